//! How far the layers of an image are: on a terminal a line each that moves, otherwise one when something is done.

use std::collections::HashMap;
use std::io::{IsTerminal, stderr};
use std::sync::{Arc, Mutex, PoisonError};

use image::tool::Expected;
use image::{Progress, Silent, Stage};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;
use crate::units::bytes;

pub(crate) fn progress(quiet: bool) -> Arc<dyn Progress> {
    match (quiet, stderr().is_terminal()) {
        (true, _) => Arc::new(Silent),
        (false, true) => Arc::new(Bars::default()),
        (false, false) => Arc::new(Lines::default()),
    }
}

struct Bars {
    all: MultiProgress,
    /// By digest.
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl Default for Bars {
    fn default() -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self { all, bars: Mutex::default() }
    }
}

impl Progress for Bars {
    fn told(&self, blob: &Expected, stage: Stage) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(blob.digest.clone()).or_insert_with(|| self.all.add(line(blob)));
        bar.set_message(word(stage));
        match stage {
            Stage::Waiting => (),
            Stage::Fetching { done } | Stage::Unpacking { done } | Stage::Pushing { done } => {
                bar.set_position(done);
            }
            Stage::Fetched => bar.set_position(blob.size),
            Stage::There | Stage::Unpacked | Stage::Pushed => {
                bar.set_position(blob.size);
                bar.abandon();
            }
        }
    }
}

fn line(blob: &Expected) -> ProgressBar {
    let bar = ProgressBar::new(blob.size);
    let template = "{prefix} [{bar:30}] {binary_bytes:>11} of {binary_total_bytes:<11} {msg}";
    // A template that cannot be read leaves the plain line.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.with_style(style.progress_chars("=> ")).with_prefix(short(&blob.digest).to_owned())
}

/// What is done for each, by digest: some is told twice.
#[derive(Default)]
struct Lines(Mutex<HashMap<String, &'static str>>);

impl Progress for Lines {
    fn told(&self, blob: &Expected, stage: Stage) {
        if !matches!(stage, Stage::There | Stage::Fetched | Stage::Unpacked | Stage::Pushed) {
            return;
        }
        let done = word(stage);
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(blob.digest.clone(), done);
        if before != Some(done) {
            output::note(format!("{} {done}, {}", short(&blob.digest), bytes(blob.size)));
        }
    }
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waiting",
        Stage::There => "there already",
        Stage::Fetching { .. } => "fetching",
        Stage::Fetched => "fetched",
        Stage::Unpacking { .. } => "unpacking",
        Stage::Unpacked => "unpacked",
        Stage::Pushing { .. } => "pushing",
        Stage::Pushed => "pushed",
    }
}

/// As docker and podman shorten digests.
pub(crate) fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_digest_is_shown_by_its_first_digits() {
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short("sha256:01"), "01");
        assert_eq!(short("ü"), "ü");
    }
}
