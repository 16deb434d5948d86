//! How often something happened during the last minute, in a fixed amount of memory.

use std::time::Duration;

/// One second more than a minute, so that nothing is forgotten early: it counts for 60 to 61 seconds.
const SECONDS: usize = 61;
const SPAN: u64 = SECONDS as u64;

#[derive(Clone, Debug)]
pub(super) struct Window {
    /// By second, modulo [`SECONDS`].
    counts: [u32; SECONDS],
    /// The second of the newest count.
    newest: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { counts: [0; SECONDS], newest: 0 }
    }
}

impl Window {
    pub(super) fn add(&mut self, now: Duration) {
        let now = now.as_secs().max(self.newest);
        for second in (self.newest + 1..=now).rev().take(SECONDS) {
            self.counts[place(second)] = 0;
        }
        self.newest = now;
        let count = &mut self.counts[place(now)];
        *count = count.saturating_add(1);
    }

    pub(super) fn count(&self, now: Duration) -> u32 {
        self.seconds(now).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// How long until fewer than `most` are left, which is at least 1.
    pub(super) fn until_below(&self, most: u32, now: Duration) -> Duration {
        let mut left = self.count(now);
        let mut wait = Duration::ZERO;
        for (second, count) in self.seconds(now) {
            if left < most {
                break;
            }
            left = left.saturating_sub(count);
            wait = Duration::from_secs(second + SPAN).saturating_sub(now);
        }
        wait
    }

    /// Those that still count, the oldest first.
    fn seconds(&self, now: Duration) -> impl Iterator<Item = (u64, u32)> {
        let oldest = (now.as_secs() + 1).saturating_sub(SPAN);
        (oldest..=self.newest).map(|second| (second, self.counts[place(second)]))
    }
}

fn place(second: u64) -> usize {
    // Below 61, whatever the width of a usize.
    usize::try_from(second % SPAN).unwrap_or(0)
}

#[cfg(test)]
mod tests;
