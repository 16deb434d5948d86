//! From events to the job that they happened to.

use std::collections::BTreeMap;

use crate::chunk::written;
use crate::{Accepted, CaseResult, Ended, Event, Happened, Job, Output, Status, StepResult, Stream, Timing};

/// What a stream's pieces come to.
#[derive(Clone, Debug, Default)]
pub struct Printed {
    head: Vec<u8>,
    /// After a gap.
    tail: Vec<u8>,
    gap: bool,
}

impl Printed {
    pub fn of(head: Vec<u8>, tail: Vec<u8>, gap: bool) -> Self {
        Self { head, tail, gap }
    }

    pub fn push(&mut self, offset: u64, mut bytes: Vec<u8>) {
        self.gap |= offset > self.head.len() as u64;
        if self.gap { &mut self.tail } else { &mut self.head }.append(&mut bytes);
    }

    /// The kept bytes before and after what was dropped.
    pub fn parts(&self) -> (&[u8], &[u8]) {
        (&self.head, &self.tail)
    }

    /// `bytes` were printed, kept or not.
    pub fn output(self, bytes: u64) -> Output {
        let Self { mut head, mut tail, .. } = self;
        let truncated = bytes > (head.len() + tail.len()) as u64;
        if truncated {
            // A character cut in two would make text look like binary.
            head.truncate(complete_length(&head));
            tail.drain(..tail.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count());
            let dropped = bytes - (head.len() + tail.len()) as u64;
            head.extend_from_slice(format!("\n[… {dropped} bytes dropped …]\n").as_bytes());
        }
        head.append(&mut tail);
        let (text, encoding) = written(head);
        Output { text, encoding, bytes, truncated }
    }
}

/// How much of `bytes` is left when a character begun at its very end is taken away.
pub(crate) fn complete_length(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
}

impl Job {
    pub fn accepted(at: jiff::Timestamp, accepted: Accepted) -> Self {
        let Accepted { id, tenant, submitter: _, labels, priority, policy, warnings, admit_us, traceparent } =
            accepted;
        Self {
            id,
            status: Status::Queued,
            tenant,
            attempt: 0,
            paused: false,
            priority,
            labels,
            created_at: at,
            started_at: None,
            finished_at: None,
            cause: None,
            steps: Vec::new(),
            artifacts: Vec::new(),
            artifact_errors: Vec::new(),
            committed: None,
            policy,
            warnings,
            annotations: BTreeMap::new(),
            isolation: None,
            timing: Timing { admit_us, ..Timing::default() },
            traceparent,
        }
    }

    /// `None` where the first event is not that the job was accepted.
    pub fn from_events(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut events = events.into_iter();
        let Event { at, what: Happened::Accepted(accepted), .. } = events.next()? else { return None };
        let mut fold =
            Fold { job: Self::accepted(at, *accepted), printed: BTreeMap::new(), cases: BTreeMap::new() };
        events.for_each(|event| fold.apply(event));
        Some(fold.finish())
    }
}

/// A job on its way through its events.
struct Fold {
    job: Job,
    /// Of steps that have not ended, and of the ended one until its outputs are joined.
    printed: BTreeMap<(String, Stream), Printed>,
    /// Of the step that runs, by their places.
    cases: BTreeMap<u32, CaseResult>,
}

impl Fold {
    fn apply(&mut self, Event { at, what, .. }: Event) {
        let job = &mut self.job;
        match what {
            Happened::Accepted(_) => (),
            Happened::Judged { policy, warnings } => {
                job.policy.extend(&policy);
                job.warnings.extend(warnings);
            }
            Happened::Started { attempt, queue_us } => {
                (job.status, job.attempt, job.started_at) = (Status::Running, attempt, Some(at));
                job.timing.queue_us = queue_us;
            }
            Happened::Ready { isolation, setup_us } => {
                job.isolation = Some(*isolation);
                job.timing.setup_us = setup_us;
            }
            Happened::StepStarted { step } => job.steps.push(StepResult::new(step, Status::Running)),
            Happened::Output(chunk) => {
                let bytes = chunk.bytes();
                self.printed.entry((chunk.step, chunk.stream)).or_default().push(chunk.offset, bytes);
            }
            Happened::StepEnded { step } => self.step_ended(*step),
            // One step runs at a time, so they are all of the step that was begun last.
            Happened::CaseEnded { step: _, index, case } => drop(self.cases.insert(index, *case)),
            Happened::Paused => job.paused = true,
            Happened::Resumed => job.paused = false,
            Happened::Noted { labels, annotations } => job.note(labels, annotations),
            Happened::Requeued { reason: _ } => {
                (job.status, job.started_at, job.paused) = (Status::Queued, None, false);
                job.steps.clear();
                self.printed.clear();
                self.cases.clear();
            }
            Happened::Ended(ended) => {
                // Of a step that was cut off: those after it are added below.
                if let Some(step) = job.steps.last_mut().filter(|_| !self.cases.is_empty()) {
                    step.cases = std::mem::take(&mut self.cases).into_values().collect();
                }
                job.ended(at, *ended);
            }
        }
    }

    fn step_ended(&mut self, mut ended: StepResult) {
        for (stream, output) in [(Stream::Stdout, &mut ended.stdout), (Stream::Stderr, &mut ended.stderr)] {
            let printed = self.printed.remove(&(ended.name.clone(), stream)).unwrap_or_default();
            *output = printed.output(output.bytes);
        }
        ended.cases = std::mem::take(&mut self.cases).into_values().collect();
        let steps = &mut self.job.steps;
        match steps.iter_mut().find(|step| step.name == ended.name) {
            Some(step) => *step = ended,
            None => steps.push(ended),
        }
    }

    /// With what a step that still runs has printed so far, and its cases that have ended.
    fn finish(mut self) -> Job {
        if let Some(step) = self.job.steps.last_mut().filter(|_| !self.cases.is_empty()) {
            step.cases = self.cases.into_values().collect();
        }
        for ((name, stream), printed) in self.printed {
            let Some(step) = self.job.steps.iter_mut().find(|step| step.name == name) else { continue };
            let bytes = (printed.head.len() + printed.tail.len()) as u64;
            let output = match stream {
                Stream::Stdout => &mut step.stdout,
                Stream::Stderr => &mut step.stderr,
            };
            *output = printed.output(bytes);
        }
        self.job
    }
}

impl Job {
    /// Policies add labels that the job does not have, and annotations; no more than a job may have.
    pub fn note(&mut self, labels: BTreeMap<String, String>, annotations: BTreeMap<String, String>) {
        const MOST: usize = 64;
        for (key, value) in labels {
            if self.labels.len() < MOST {
                self.labels.entry(key).or_insert(value);
            }
        }
        for (key, value) in annotations {
            if self.annotations.len() < MOST || self.annotations.contains_key(&key) {
                self.annotations.insert(key, value);
            }
        }
    }

    fn ended(&mut self, at: jiff::Timestamp, ended: Ended) {
        let Ended { status, cause, skipped, artifacts, artifact_errors, committed, policy, warnings, timing } =
            ended;
        // A step that was under way when the host was lost.
        self.steps.iter_mut().filter(|step| !step.status.is_final()).for_each(|step| step.status = status);
        self.steps.extend(skipped.into_iter().map(|name| StepResult::new(name, Status::Skipped)));
        (self.status, self.cause, self.finished_at, self.paused) = (status, cause, Some(at), false);
        (self.artifacts, self.artifact_errors, self.committed) = (artifacts, artifact_errors, committed);
        self.policy.extend(&policy);
        self.warnings.extend(warnings);
        self.timing = timing;
    }
}

#[cfg(test)]
mod tests;
