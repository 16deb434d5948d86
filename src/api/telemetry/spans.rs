//! From a job's events to the spans below its own.
//!
//! The stages of a job follow each other, and so do its events: each stage is from the end of the one before to what ends
//! it, an event or that the journal has it. Together they are as long as the job, but for what init and the launcher did ahead.

use std::time::{Duration, SystemTime};

use model::{CaseResult, Decision, Ended, Event, Happened, Ruling, Status, StepResult};
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, Status as Mark, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use sandbox::Step;

use super::asked;
use super::trace::Unsaid;

/// Of one step; their results are all in the job.
const MOST_CASES: usize = 64;
/// Steps of init that took less are not worth a span.
const LEAST_US: u32 = 10;

pub(super) struct Spans<'a> {
    tracer: &'a BoxedTracer,
    own: Context,
    /// The end of the stage before.
    since: SystemTime,
    /// Of the step that runs, with cases or not.
    step: Option<Context>,
    cases: usize,
}

impl<'a> Spans<'a> {
    pub(super) fn new(tracer: &'a BoxedTracer, own: Context, since: SystemTime) -> Self {
        Self { tracer, own, since, step: None, cases: 0 }
    }

    pub(super) fn happened(&mut self, event: &Event, unsaid: &mut Unsaid) {
        let at = SystemTime::from(event.at);
        match &event.what {
            Happened::Accepted(accepted) => {
                let admit = self.stage("admit", at);
                self.calls(&admit, unsaid.asked.unwrap_or(self.since), &accepted.policy);
                self.end(&admit, at);
            }
            Happened::Judged { policy, .. } => self.calls(&self.own.clone(), self.since, policy),
            Happened::Started { .. } => {
                let queue = self.stage("queue", at);
                self.end(&queue, at);
            }
            Happened::Ready { setup_us, .. } => {
                self.ready(at, *setup_us, &unsaid.built);
                // Only what it took for longer than the sandbox did.
                if let Some(later) = unsaid.recorded.take().filter(|recorded| *recorded > at) {
                    self.record(later);
                }
            }
            Happened::StepStarted { step } => self.step_started(step, at),
            Happened::CaseEnded { case, .. } => self.case_ended(case, at),
            Happened::StepEnded { step } => self.step_ended(step, at),
            Happened::Requeued { .. } => {
                self.cut(at);
                self.mark("requeued", at);
            }
            Happened::Paused => self.mark("paused", at),
            Happened::Resumed => self.mark("resumed", at),
            Happened::Ended(ended) => self.ended(ended, at),
            Happened::Output(_) | Happened::Noted { .. } => (),
        }
    }

    /// What was waited for until the journal had it.
    pub(super) fn record(&mut self, at: SystemTime) {
        let record = self.stage("record", at);
        self.end(&record, at);
    }

    fn ready(&mut self, at: SystemTime, setup_us: u64, built: &[(Step, u32)]) {
        let launched = at.checked_sub(Duration::from_micros(setup_us)).unwrap_or(at).max(self.since);
        let setup = self.stage("setup", at);
        // What comes before was done when there was no job yet, unless none was ready.
        let own = built.iter().position(|(step, _)| *step == Step::Fill).unwrap_or(0);
        let (ahead, own) = built.split_at(own);
        let sum = |steps: &[(Step, u32)]| steps.iter().map(|(_, us)| u64::from(*us)).sum::<u64>();
        setup.span().set_attribute(KeyValue::new("stockade.setup.prepare_us", integer(sum(ahead))));
        // The last of them is when init reports.
        let mut from = at.checked_sub(Duration::from_micros(sum(own))).unwrap_or(at).max(launched);
        for (step, us) in own {
            let until = from + Duration::from_micros(u64::from(*us));
            if *us >= LEAST_US {
                let attributes = vec![KeyValue::new("stockade.init.step", format!("{step:?}"))];
                self.child(&setup, "init", (from, until), attributes);
            }
            from = until;
        }
        self.end(&setup, at);
    }

    /// From the end of what was before: to start a program takes time too.
    fn step_started(&mut self, name: &str, at: SystemTime) {
        let step = self.stage("step", at);
        step.span().set_attribute(KeyValue::new("stockade.step.name", name.to_owned()));
        step.span().add_event_with_timestamp("started", at, Vec::new());
        (self.step, self.cases) = (Some(step), 0);
    }

    fn case_ended(&mut self, case: &CaseResult, at: SystemTime) {
        let Some(step) = self.step.clone() else { return };
        self.cases += 1;
        if self.cases > MOST_CASES || case.status == Status::Skipped {
            return;
        }
        let wall = Duration::from_micros(case.usage.wall_time_us);
        let mut attributes = outcome(case.status);
        attributes.push(KeyValue::new("stockade.case.name", case.name.clone()));
        self.child(&step, "case", (at.checked_sub(wall).unwrap_or(at), at), attributes);
    }

    fn step_ended(&mut self, result: &StepResult, at: SystemTime) {
        let Some(step) = self.step.take() else { return };
        let (span, usage) = (step.span(), &result.usage);
        span.set_attributes(outcome(result.status));
        span.set_attribute(KeyValue::new("stockade.step.wall_time_us", integer(usage.wall_time_us)));
        for (name, value) in [
            ("stockade.step.cpu_time_us", usage.cpu_time_us),
            ("stockade.step.memory_peak_bytes", usage.memory_peak_bytes),
            ("stockade.step.cases", (self.cases > 0).then_some(self.cases as u64)),
            ("process.exit.code", result.exit_code.and_then(|code| u64::try_from(code).ok())),
        ] {
            span.set_attributes(value.map(|value| KeyValue::new(name, integer(value))));
        }
        if result.status != Status::Succeeded {
            span.set_status(Mark::error(result.status.word()));
        }
        self.end(&step, at);
    }

    fn ended(&mut self, ended: &Ended, at: SystemTime) {
        self.cut(at);
        // Those that looked at the container, where there was one.
        self.calls(&self.own.clone(), self.since, &ended.policy);
        let collect = self.stage("collect", at);
        self.end(&collect, at);
    }

    /// A step that will have no end of its own.
    fn cut(&mut self, at: SystemTime) {
        if let Some(step) = self.step.take() {
            self.end(&step, at);
        }
    }

    pub(super) fn calls(&self, above: &Context, first: SystemTime, decisions: &[Decision]) {
        let mut from = first;
        for decision in decisions {
            // One after the other, and little between them.
            let until = from + Duration::from_micros(decision.duration_us);
            let mut attributes = asked(decision).to_vec();
            if decision.verdict == Ruling::Error {
                attributes.extend(decision.code.clone().map(|code| KeyValue::new("error.type", code)));
            }
            self.child(above, "policy", (from, until), attributes);
            from = until;
        }
    }

    /// On the job's own span.
    pub(super) fn outcome(&self, status: Status) {
        let span = self.own.span();
        span.set_attributes(outcome(status));
        if status != Status::Succeeded {
            span.set_status(Mark::error(status.word()));
        }
    }

    /// Begins where the one before ended; at the latest at `at`, whatever the clock did.
    fn stage(&mut self, name: &'static str, at: SystemTime) -> Context {
        let span = self.tracer.span_builder(name).with_start_time(self.since.min(at));
        self.own.with_span(span.start_with_context(self.tracer, &self.own))
    }

    fn end(&mut self, stage: &Context, at: SystemTime) {
        stage.span().end_with_timestamp(at);
        self.since = at;
    }

    fn child(
        &self,
        above: &Context,
        name: &'static str,
        (from, until): (SystemTime, SystemTime),
        attributes: Vec<KeyValue>,
    ) {
        let span = self.tracer.span_builder(name).with_start_time(from).with_attributes(attributes);
        let mut span: BoxedSpan = span.start_with_context(self.tracer, above);
        span.end_with_timestamp(until);
    }

    fn mark(&self, name: &'static str, at: SystemTime) {
        self.own.span().add_event_with_timestamp(name, at, Vec::new());
    }
}

fn outcome(status: Status) -> Vec<KeyValue> {
    let mut attributes = vec![KeyValue::new("stockade.status", status.word())];
    if status != Status::Succeeded {
        attributes.push(KeyValue::new("error.type", status.word()));
    }
    attributes
}

/// OpenTelemetry has no unsigned numbers.
fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
