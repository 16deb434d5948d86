//! What a program has to show for itself while it runs: that it began, and what it printed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use model::{Chunk, Happened, StepResult, StepSpec, Stream};

use crate::output::Kept;
use crate::{NoWatch, Watch};

pub(crate) struct Account {
    pub(crate) begun: Begun,
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
}

/// Tells once, at the first sign of it: that it was started, what it printed, or its end. A step that has an end has a
/// beginning, also when its program never came to run.
#[derive(Clone)]
pub(crate) struct Begun {
    watch: Arc<dyn Watch>,
    step: Arc<str>,
    is: Arc<AtomicBool>,
}

impl Account {
    /// Told piece by piece.
    pub(crate) fn live(watch: &Arc<dyn Watch>, step: &StepSpec) -> Self {
        let begun = Begun::new(watch, &step.name);
        let kept = |stream| Kept::new(step.limits.output_bytes).told_to(&begun, stream);
        Self { stdout: kept(Stream::Stdout), stderr: kept(Stream::Stderr), begun }
    }

    /// Told as a whole, by whoever has it made.
    pub(crate) fn silent(step: &StepSpec) -> Self {
        let kept = || Kept::new(step.limits.output_bytes);
        let begun = Begun::new(&(Arc::new(NoWatch) as Arc<dyn Watch>), &step.name);
        Self { begun, stdout: kept(), stderr: kept() }
    }
}

impl Begun {
    pub(crate) fn new(watch: &Arc<dyn Watch>, step: &str) -> Self {
        Self { watch: Arc::clone(watch), step: step.into(), is: Arc::default() }
    }

    pub(crate) fn is(&self) -> bool {
        self.is.load(Relaxed)
    }

    pub(crate) fn tell(&self) {
        if !self.is.swap(true, Relaxed) {
            self.watch.happened(Happened::StepStarted { step: self.step.as_ref().into() });
        }
    }

    /// The pipe may be read before the report that the program was started.
    pub(crate) fn printed(&self, stream: Stream, offset: u64, bytes: Vec<u8>) {
        self.tell();
        self.watch.happened(Happened::Output(Chunk::new(&self.step, stream, offset, bytes)));
    }
}

/// Without what was told already: its output, and its cases.
pub(crate) fn tell_end(watch: &dyn Watch, step: &StepResult) {
    watch.happened(Happened::StepEnded { step: Box::new(step.alone()) });
}
