//! What a program has to show for itself while it runs: that it began, and what it printed.

use std::sync::Arc;

use model::{Happened, Output, StepResult, StepSpec, Stream};

use crate::Watch;
use crate::output::Kept;

pub(crate) struct Account {
    pub(crate) begun: Begun,
    pub(crate) stdout: Kept,
    pub(crate) stderr: Kept,
}

/// Tells once, at the first sign of it. A step that has an end has a beginning, also when its program never came to run.
pub(crate) struct Begun {
    watch: Option<Arc<dyn Watch>>,
    step: String,
    is: bool,
}

impl Account {
    /// Told piece by piece.
    pub(crate) fn live(watch: &Arc<dyn Watch>, step: &StepSpec) -> Self {
        let kept = |stream| Kept::new(step.limits.output_bytes).told_to(watch, &step.name, stream);
        let begun = Begun { watch: Some(Arc::clone(watch)), step: step.name.clone(), is: false };
        Self { begun, stdout: kept(Stream::Stdout), stderr: kept(Stream::Stderr) }
    }

    /// Told as a whole, by whoever has it made.
    pub(crate) fn silent(step: &StepSpec) -> Self {
        let kept = || Kept::new(step.limits.output_bytes);
        let begun = Begun { watch: None, step: String::new(), is: false };
        Self { begun, stdout: kept(), stderr: kept() }
    }
}

impl Begun {
    pub(crate) fn is(&self) -> bool {
        self.is
    }

    pub(crate) fn tell(&mut self) {
        if !std::mem::replace(&mut self.is, true)
            && let Some(watch) = &self.watch
        {
            watch.happened(Happened::StepStarted { step: self.step.clone() });
        }
    }
}

/// Without what was told already: its output, and its cases.
pub(crate) fn tell_end(watch: &dyn Watch, step: &StepResult) {
    let untold = |output: &Output| Output {
        encoding: "utf-8".into(),
        bytes: output.bytes,
        truncated: output.truncated,
        ..Output::default()
    };
    let step = StepResult {
        name: step.name.clone(),
        status: step.status,
        exit_code: step.exit_code,
        signal: step.signal.clone(),
        cause: step.cause.clone(),
        stdout: untold(&step.stdout),
        stderr: untold(&step.stderr),
        usage: step.usage,
        cases: Vec::new(),
    };
    watch.happened(Happened::StepEnded { step: Box::new(step) });
}
