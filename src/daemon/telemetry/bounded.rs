//! A queue of spans that has an end. The SDK's own has one too, and does not say what it dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry::metrics::Counter;
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor,
};

/// Spans that wait, or are under way: about two megabytes.
const MOST: usize = 4096;
const BATCH: usize = 512;

#[derive(Debug)]
pub(super) struct Bounded {
    next: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
    dropped: Counter<u64>,
}

/// Counts what was taken over from the queue, and what came of it.
#[derive(Debug)]
struct Counting<E> {
    next: E,
    waiting: Arc<AtomicUsize>,
    dropped: Counter<u64>,
}

impl Bounded {
    pub(super) fn new(exporter: impl SpanExporter + 'static) -> Self {
        let dropped = global::meter("stockade")
            .u64_counter("stockade.telemetry.dropped")
            .with_description(
                "Spans that no collector got: `full` for lack of room, `failed` for it did not take them",
            )
            .build();
        // So that there is a 0 to compare with.
        for reason in ["full", "failed"] {
            dropped.add(0, &reasons(reason));
        }
        let waiting = Arc::new(AtomicUsize::new(0));
        let counting = Counting { next: exporter, waiting: Arc::clone(&waiting), dropped: dropped.clone() };
        let config =
            BatchConfigBuilder::default().with_max_queue_size(MOST).with_max_export_batch_size(BATCH);
        let next = BatchSpanProcessor::builder(counting).with_batch_config(config.build()).build();
        Self { next, waiting, dropped }
    }
}

fn reasons(reason: &'static str) -> [KeyValue; 1] {
    [KeyValue::new("stockade.reason", reason)]
}

impl SpanProcessor for Bounded {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.next.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Relaxed) < MOST {
            self.next.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Relaxed);
            self.dropped.add(1, &reasons("full"));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

impl<E: SpanExporter> SpanExporter for Counting<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        let exported = self.next.export(batch).await;
        self.waiting.fetch_sub(spans, Relaxed);
        if exported.is_err() {
            self.dropped.add(spans as u64, &reasons("failed"));
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}
