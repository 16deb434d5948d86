//! Shows a person what happens to a job: its output as its own, the rest as notes.

mod progress;

use std::collections::HashMap;

use model::{CaseResult, Chunk, Event, Happened, Status, Stream};

use crate::output::{self, Failure};
use crate::policy::table::plain;
use progress::Progress;

/// Of the cases that did not succeed, so many are told one by one.
const NAMED_CASES: usize = 20;

/// What of a job's output is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// All of them where it is `None`.
    pub(crate) step: Option<String>,
    /// Nothing but stderr, and as the data that stdout is for.
    pub(crate) stderr: bool,
}

#[derive(Debug)]
pub(crate) struct Relay {
    wanted: Wanted,
    progress: Progress,
    /// How much of each stream of a step was printed.
    printed: HashMap<(String, Stream), u64>,
    failed_cases: usize,
    /// Somebody reads our stdout.
    heard: bool,
}

impl Wanted {
    /// Where the stream of a step goes, if anywhere.
    pub(crate) fn place(&self, step: &str, stream: Stream) -> Option<Stream> {
        if self.step.as_deref().is_some_and(|wanted| wanted != step) {
            return None;
        }
        match (self.stderr, stream) {
            (false, stream) => Some(stream),
            (true, Stream::Stderr) => Some(Stream::Stdout),
            (true, Stream::Stdout) => None,
        }
    }
}

impl Relay {
    /// `cases`: how many each step has, as far as that is known.
    pub(crate) fn new(wanted: Wanted, cases: Vec<u64>) -> Self {
        Self { wanted, progress: Progress::new(cases), printed: HashMap::new(), failed_cases: 0, heard: true }
    }

    /// False when nobody reads the output any more.
    pub(crate) fn show(&mut self, event: &Event) -> Result<bool, Failure> {
        match &event.what {
            Happened::Accepted(accepted) => self.notes(&accepted.warnings),
            Happened::Judged { warnings, .. } => self.notes(warnings),
            Happened::StepStarted { step } => self.progress.step(step),
            Happened::Output(chunk) => self.output(chunk)?,
            Happened::StepEnded { .. } => self.progress.clear(),
            Happened::CaseEnded { step, case, .. } => self.case(step, case),
            Happened::Paused => self.note("paused"),
            Happened::Resumed => self.note("resumed"),
            Happened::Requeued { reason } => self.requeued(reason),
            Happened::Ended(ended) => {
                self.progress.clear();
                self.notes(&ended.warnings);
            }
            Happened::Started { .. } | Happened::Ready { .. } | Happened::Noted { .. } => (),
        }
        Ok(self.heard)
    }

    fn output(&mut self, chunk: &Chunk) -> Result<(), Failure> {
        let Some(place) = self.wanted.place(&chunk.step, chunk.stream) else { return Ok(()) };
        let bytes = chunk.bytes();
        let end = self.printed.entry((chunk.step.clone(), chunk.stream)).or_default();
        let dropped = chunk.offset.saturating_sub(*end);
        *end = chunk.offset + bytes.len() as u64;
        if dropped > 0 {
            self.note(&dropped_bytes(&chunk.step, chunk.stream, dropped));
        }
        if self.heard || place == Stream::Stderr {
            let read = self.progress.aside(|| output::relay(place, &bytes))?;
            self.heard &= read || place == Stream::Stderr;
        }
        Ok(())
    }

    fn case(&mut self, step: &str, case: &CaseResult) {
        let succeeded = case.status == Status::Succeeded;
        self.progress.case(succeeded);
        if succeeded
            || case.status == Status::Skipped
            || self.wanted.step.as_deref().is_some_and(|s| s != step)
        {
            return;
        }
        self.failed_cases += 1;
        match self.failed_cases {
            ..=NAMED_CASES => {
                let cause =
                    case.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", cause.detail));
                self.note(&format!("case {}: {}{cause}", case.name, case.status.word()));
            }
            number if number == NAMED_CASES + 1 => {
                self.note("more cases did not succeed: `stockade inspect` has all");
            }
            _ => (),
        }
    }

    fn requeued(&mut self, reason: &str) {
        self.note(&format!("starts again: {reason}"));
        self.printed.clear();
        self.progress.again();
        self.failed_cases = 0;
    }

    fn notes(&self, texts: &[String]) {
        for text in texts {
            self.note(text);
        }
    }

    fn note(&self, text: &str) {
        self.progress.aside(|| output::note(plain(text)));
    }
}

pub(crate) fn dropped_bytes(step: &str, stream: Stream, bytes: u64) -> String {
    let stream = if stream == Stream::Stdout { "stdout" } else { "stderr" };
    format!("step {step}: {bytes} bytes of {stream} were more than `output_bytes` and are not kept")
}
