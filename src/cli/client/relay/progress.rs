//! One line on a terminal for a step's cases. Nothing where stderr is no terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::policy::table::plain;

#[derive(Debug)]
pub(crate) struct Progress {
    /// For each step in order; empty where that is not known.
    cases: Vec<u64>,
    /// Of the step under way.
    index: Option<usize>,
    name: String,
    done: u64,
    failed: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(cases: Vec<u64>) -> Self {
        Self { cases, index: None, name: String::new(), done: 0, failed: 0, bar: None }
    }

    pub(crate) fn step(&mut self, name: &str) {
        self.clear();
        self.index = Some(self.index.map_or(0, |index| index + 1));
        (self.name, self.done, self.failed) = (plain(name), 0, 0);
        if self.total().is_some_and(|total| total > 0) {
            self.draw();
        }
    }

    pub(crate) fn case(&mut self, succeeded: bool) {
        self.done += 1;
        self.failed += u64::from(!succeeded);
        self.draw();
    }

    /// The line goes, and what is told by others stays.
    pub(crate) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// The job begins once more.
    pub(crate) fn again(&mut self) {
        self.clear();
        self.index = None;
    }

    /// Writes something else, out of the line's way.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn total(&self) -> Option<u64> {
        self.cases.get(self.index?).copied()
    }

    fn draw(&mut self) {
        let total = self.total();
        let bar = self.bar.get_or_insert_with(|| line(total));
        bar.set_prefix(self.name.clone());
        if self.failed > 0 {
            bar.set_message(format!(", {} not succeeded", self.failed));
        }
        bar.set_position(self.done);
    }
}

fn line(total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => "{prefix} [{bar:30}] {pos}/{len} cases{msg}, {elapsed}",
        None => "{prefix} {pos} cases{msg}, {elapsed}",
    };
    // A template that cannot be read leaves the plain line.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("=> "))
}
