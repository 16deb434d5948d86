//! What an operator is told: metrics of jobs and requests, and one trace per job, by the OpenTelemetry API. Where it goes is
//! `daemon`'s.
//!
//! **Invariants.** Where nothing is exported, a job pays for one branch. A trace is made when its job has ended and was
//! told, from what its events say: nothing is measured for it alone, and no job waits for it. Nothing that a caller sends
//! makes new series without bound.

mod context;
mod figures;
mod meters;
mod metrics;
mod routes;
mod spans;
mod trace;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use model::{Decision, Job};
use opentelemetry::KeyValue;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::SpanContext;

pub(crate) use context::Parent;
pub(crate) use figures::Figures;
use meters::Meters;
pub use metrics::metrics;
pub(crate) use routes::measured;
pub(crate) use trace::Trace;

/// In whose name spans and metrics are.
const SCOPE: &str = "stockade";

/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Telemetry(Option<Arc<On>>);

#[derive(Debug)]
struct On {
    tracer: Option<BoxedTracer>,
    meters: Option<Meters>,
}

/// What is exported; the providers of it are the process's global ones already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    pub traces: bool,
    pub metrics: bool,
}

impl Telemetry {
    /// Nothing.
    pub fn off() -> Self {
        Self::default()
    }

    pub fn new(signals: Signals) -> Self {
        let Signals { traces, metrics } = signals;
        if !traces && !metrics {
            return Self::off();
        }
        let tracer = traces.then(|| global::tracer(SCOPE));
        Self(Some(Arc::new(On { tracer, meters: metrics.then(|| Meters::new(&global::meter(SCOPE))) })))
    }

    pub(crate) fn has_metrics(&self) -> bool {
        self.meters().is_some()
    }

    fn meters(&self) -> Option<&Meters> {
        self.0.as_ref()?.meters.as_ref()
    }

    fn tracer(&self) -> Option<&BoxedTracer> {
        self.0.as_ref()?.tracer.as_ref()
    }

    /// Figures that are looked at when they are asked for.
    pub(crate) fn watch(&self, figures: Figures) {
        if self.has_metrics() {
            figures.register(&global::meter(SCOPE));
        }
    }

    /// Of a job that arrived then. Without an exporter the caller's own context is passed on.
    pub(crate) fn begin(&self, parent: Parent, arrived: Instant) -> Trace {
        match self.tracer() {
            None => Trace::passing(parent),
            Some(tracer) => Trace::begin(tracer, parent, wall(arrived)),
        }
    }

    /// Of a job that an earlier server took in, by what its record says.
    pub(crate) fn resume(&self, traceparent: Option<&str>) -> Trace {
        let parent = Parent::of(traceparent.and_then(context::parse));
        match self.tracer() {
            None => Trace::passing(parent),
            Some(tracer) => Trace::resume(tracer, parent, SystemTime::now()),
        }
    }

    /// A job that policies refused before it was one.
    pub(crate) fn denied(&self, parent: Parent, arrived: Instant, tenant: &str, decisions: &[Decision]) {
        if let Some(meters) = self.meters() {
            meters.denied(tenant, decisions);
        }
        if let Some(tracer) = self.tracer() {
            Trace::begin(tracer, parent, wall(arrived)).denied(tracer, tenant, decisions);
        }
    }

    pub(crate) fn ended(&self, job: &Job) {
        if let Some(meters) = self.meters() {
            meters.ended(job);
        }
    }
}

/// Which policy was asked, at what and with what answer: of its span, and of its series.
fn asked(decision: &Decision) -> [KeyValue; 5] {
    [
        KeyValue::new("stockade.policy", decision.policy.clone()),
        KeyValue::new("stockade.hook", decision.hook.word()),
        KeyValue::new("stockade.mode", decision.mode.word()),
        KeyValue::new("stockade.verdict", decision.verdict.word()),
        KeyValue::new("stockade.remembered", decision.remembered),
    ]
}

fn wall(then: Instant) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(then.elapsed()).unwrap_or(now)
}

/// As the W3C Trace Context has it: `00-TRACE-SPAN-FLAGS`.
fn traceparent(context: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags().to_u8())
}
