//! Where metrics and traces go: to an OpenTelemetry collector by OTLP (HTTP, protobuf), and to whoever asks for
//! `/metrics`, on a listener of its own.
//!
//! **Invariants.** No job waits for a collector, whatever that does: spans wait in a queue with an end, and what does not
//! fit is dropped and counted; series are kept once, however long nobody takes them. At the end there is a deadline.

mod bounded;
mod collector;
mod host;
mod settings;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use api::{Signals, Telemetry};
use opentelemetry::global;
use opentelemetry::metrics::noop::NoopMeterProvider;
use opentelemetry_otlp::{MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;

use crate::Config;
use crate::listen::Socket;
use bounded::Bounded;
use collector::{Client, Collector};
pub(crate) use settings::Settings;

/// For what is still to be sent when the server has stopped.
const FLUSH: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct Exporters {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
    registry: Option<Registry>,
}

impl Exporters {
    /// On a runtime, which sends what threads of their own have gathered. Once per process.
    pub(crate) fn start(config: &Config, leftovers: (u64, u64)) -> anyhow::Result<(Self, Telemetry)> {
        let Settings { traces, metrics, prometheus } = &config.telemetry;
        if traces.is_none() && metrics.is_none() && prometheus.is_none() {
            return Ok((Self::default(), Telemetry::off()));
        }
        let http = traces.as_ref().or(metrics.as_ref()).map(|_| collector::http()).transpose()?;
        let registry = prometheus.map(|_| Registry::new());
        let meters = meters(metrics.as_ref().zip(http.as_ref()), registry.as_ref())?;
        global::set_meter_provider(meters.clone());
        host::register(&global::meter("stockade"), leftovers);
        let spans = traces.as_ref().zip(http.as_ref()).map(spans).transpose()?;
        if let Some(spans) = &spans {
            global::set_tracer_provider(spans.clone());
        }
        let signals = Signals { traces: spans.is_some(), metrics: metrics.is_some() || registry.is_some() };
        Ok((Self { traces: spans, metrics: Some(meters), registry }, Telemetry::new(signals)))
    }

    /// Answers on `socket` until it is dropped.
    pub(crate) fn listen(&self, socket: Option<Socket>, names: &[String]) -> anyhow::Result<()> {
        let (Some(Socket::Tcp(listener)), Some(registry)) = (socket, self.registry.clone()) else {
            return Ok(());
        };
        let address = listener.local_addr().context("cannot read the port")?;
        let listener = TcpListener::from_std(listener).context("cannot use the listener for metrics")?;
        let names: Vec<_> = names.iter().cloned().chain(own_name(address)).collect();
        let router = api::metrics(&names, move || {
            TextEncoder::new().encode_to_string(&registry.gather()).map_err(|error| error.to_string())
        });
        crate::entrance::announce("metrics", &format!("http://{address}/metrics"));
        tokio::spawn(api::serve(vec![api::Listener::tcp(listener, None)], router, std::future::pending()));
        Ok(())
    }

    /// Sends what is left.
    pub(crate) async fn end(self) {
        // The SDK's threads end by themselves, or with the process.
        let _ = tokio::time::timeout(FLUSH, tokio::task::spawn_blocking(move || self.flush())).await;
    }

    fn flush(self) {
        let Self { traces, metrics, .. } = self;
        let told = |what: &str, result: Result<(), _>| {
            if let Err::<_, opentelemetry_sdk::error::OTelSdkError>(error) = result {
                tracing::warn!("{what} were not all sent: {error}");
            }
        };
        if let Some(traces) = traces {
            told("spans", traces.shutdown_with_timeout(FLUSH));
        }
        if let Some(metrics) = metrics {
            told("metrics", metrics.shutdown_with_timeout(FLUSH));
            // What the figures are read from is held by the one that is global, and would never be dropped.
            global::set_meter_provider(NoopMeterProvider::new());
        }
    }
}

/// An address that leads here and nowhere else is nobody's name to rebind.
fn own_name(address: SocketAddr) -> Option<String> {
    (!address.ip().is_unspecified()).then(|| address.ip().to_string())
}

fn resource() -> Resource {
    // `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` count, and otherwise this.
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let named = std::env::var_os("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty());
    let builder = Resource::builder().with_attribute(version);
    if named { builder.build() } else { builder.with_service_name("stockade").build() }
}

type To<'a> = (&'a Collector, &'a reqwest::Client);

fn sending<B: WithExportConfig + WithHttpConfig>(exporter: B, (collector, http): To<'_>) -> B {
    let exporter = exporter.with_http_client(Client::new(http));
    match collector.endpoint() {
        Some(endpoint) => exporter.with_endpoint(endpoint),
        None => exporter,
    }
}

fn meters(to: Option<To<'_>>, registry: Option<&Registry>) -> anyhow::Result<SdkMeterProvider> {
    let mut builder = SdkMeterProvider::builder().with_resource(resource());
    if let Some(to) = to {
        let exporter = sending(MetricExporter::builder().with_http(), to).build();
        builder =
            builder.with_reader(PeriodicReader::builder(exporter.context("setting `telemetry`")?).build());
    }
    if let Some(registry) = registry {
        let exporter =
            opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false);
        builder = builder.with_reader(exporter.build().context("cannot keep metrics for Prometheus")?);
    }
    Ok(builder.build())
}

fn spans(to: To<'_>) -> anyhow::Result<SdkTracerProvider> {
    let exporter = sending(SpanExporter::builder().with_http(), to).build();
    let processor = Bounded::new(exporter.context("setting `telemetry`")?);
    Ok(SdkTracerProvider::builder().with_resource(resource()).with_span_processor(processor).build())
}
