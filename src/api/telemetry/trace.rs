//! The trace of one job: its own span is begun with it, those below are made when it has ended.

use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use model::{Decision, Event, Job, Status};
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use sandbox::Step;

use super::context::Parent;
use super::spans::Spans;
use super::{Telemetry, traceparent};

/// What a job keeps of its trace while it runs. Dropped, it ends the job's span as one of which the end is not known.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// With the job's span; none where nothing is exported.
    own: Option<Context>,
    /// Passed on where there is no own.
    parent: Option<SpanContext>,
    arrived: Option<SystemTime>,
    /// What was before its arrival is in the trace of the server that was there then.
    resumed: bool,
    unsaid: Unsaid,
}

/// What no event says.
#[derive(Debug, Default)]
pub(super) struct Unsaid {
    /// When the policies were first asked.
    pub(super) asked: Option<SystemTime>,
    /// When it was on record that the job began: its sandbox is set up meanwhile, and its first program waits for both.
    pub(super) recorded: Option<SystemTime>,
    /// What init tells of its steps.
    pub(super) built: Vec<(Step, u32)>,
}

impl Trace {
    pub(super) fn passing(parent: Parent) -> Self {
        Self { parent: parent.context(), ..Self::default() }
    }

    /// Of a request.
    pub(super) fn begin(tracer: &BoxedTracer, parent: Parent, arrived: SystemTime) -> Self {
        let of = [KeyValue::new("http.request.method", "POST"), KeyValue::new("http.route", "/jobs")];
        Self::start(tracer, parent, arrived, (SpanKind::Server, of.to_vec()))
    }

    /// In the trace that the record names; without one, in a new one.
    pub(super) fn resume(tracer: &BoxedTracer, parent: Parent, now: SystemTime) -> Self {
        let of = vec![KeyValue::new("stockade.job.resumed", true)];
        Self { resumed: true, ..Self::start(tracer, parent, now, (SpanKind::Internal, of)) }
    }

    fn start(
        tracer: &BoxedTracer,
        parent: Parent,
        from: SystemTime,
        (kind, attributes): (SpanKind, Vec<KeyValue>),
    ) -> Self {
        let outside = match parent.context() {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        let job = tracer.span_builder("job").with_kind(kind).with_start_time(from);
        let job = job.with_attributes(attributes).start_with_context(tracer, &outside);
        Self { own: Some(outside.with_span(job)), arrived: Some(from), ..Self::default() }
    }

    pub(crate) fn asked(mut self, at: Timestamp) -> Self {
        self.unsaid.asked = Some(at.into());
        self
    }

    /// The span that the job's lines in the log have in common says which trace it is.
    pub(crate) fn tell_log(&self) {
        if let Some(own) = &self.own {
            let id = own.span().span_context().trace_id();
            tracing::Span::current().record("trace_id", tracing::field::display(id));
        }
    }

    /// For the job's record, for callbacks and for the log.
    pub(crate) fn traceparent(&self) -> Option<String> {
        let own = self.own.as_ref().map(|own| own.span().span_context().clone());
        own.or_else(|| self.parent.clone()).map(|context| traceparent(&context))
    }

    pub(crate) fn recorded(&mut self, at: Option<SystemTime>) {
        self.unsaid.recorded = at;
    }

    pub(crate) fn built(&mut self, steps: Vec<(Step, u32)>) {
        if self.own.is_some() {
            self.unsaid.built = steps;
        }
    }

    /// A trace that is not sampled costs no more than its id.
    fn sampled(&self) -> Option<&Context> {
        self.own.as_ref().filter(|own| own.span().is_recording())
    }

    pub(super) fn denied(self, tracer: &BoxedTracer, tenant: &str, decisions: &[Decision]) {
        let Some(own) = self.sampled() else { return };
        let first = self.arrived.unwrap_or_else(SystemTime::now);
        let spans = Spans::new(tracer, own.clone(), first);
        spans.calls(own, first, decisions);
        own.span().set_attribute(KeyValue::new("stockade.tenant", tenant.to_owned()));
        spans.outcome(Status::Denied);
        own.span().end();
    }

    /// Everything below the job's span, and its end: when it was told.
    pub(crate) fn ended(
        mut self,
        told: SystemTime,
        telemetry: &Telemetry,
        job: &Job,
        history: impl FnOnce() -> Vec<Arc<Event>>,
    ) {
        let (Some(own), Some(tracer)) = (self.sampled().cloned(), telemetry.tracer()) else { return };
        let arrived = self.arrived.unwrap_or(told);
        let mut spans = Spans::new(tracer, own.clone(), arrived);
        for event in history() {
            if !self.resumed || SystemTime::from(event.at) >= arrived {
                spans.happened(&event, &mut self.unsaid);
            }
        }
        spans.record(told);
        own.span().set_attributes([
            KeyValue::new("stockade.job.id", job.id.to_string()),
            KeyValue::new("stockade.tenant", job.tenant.clone()),
            KeyValue::new("stockade.job.attempt", i64::from(job.attempt)),
        ]);
        spans.outcome(job.status);
        own.span().end_with_timestamp(told);
    }
}
