//! Requests that were refused for their token. Whoever tries many must not fill the log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const APART: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Failures {
    total: AtomicU64,
    /// When a line was written, and how many there were by then.
    told: Mutex<Option<(Instant, u64)>>,
}

/// What a line about them says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) total: u64,
    /// Since the line before, this one included.
    pub(super) since: u64,
}

impl Failures {
    /// One more. `None` where the last line is too young for another; the next one counts it.
    pub(super) fn add(&self, now: Instant) -> Option<Tally> {
        let total = self.total.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match *told {
            Some((when, _)) if now.saturating_duration_since(when) < APART => return None,
            Some((_, count)) => count,
            None => 0,
        };
        *told = Some((now, total));
        // Two that come together may pass each other between the count and the lock.
        Some(Tally { total, since: total.saturating_sub(before).max(1) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_a_second_counts_what_came_between() {
        let (failures, start) = (Failures::default(), Instant::now());
        let after = |ms| start + Duration::from_millis(ms);
        assert_eq!(failures.add(start), Some(Tally { total: 1, since: 1 }));
        assert_eq!(failures.add(after(1)), None);
        assert_eq!(failures.add(after(999)), None);
        assert_eq!(failures.add(after(1000)), Some(Tally { total: 4, since: 3 }));
        assert_eq!(failures.add(after(1001)), None);
        assert_eq!(failures.add(after(9000)), Some(Tally { total: 6, since: 2 }));
    }
}
