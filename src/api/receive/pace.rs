//! How slow an upload may be. Its time is not bounded as a whole, because a large one over a thin line takes long; what
//! is bounded is how long it may go without getting on.

use std::time::Duration;

use tokio::time::Instant;

/// In each of these at least [`LEAST`] bytes must arrive: 1 KiB/s.
pub(super) const SPAN: Duration = Duration::from_secs(30);
const LEAST: usize = 30 << 10;

#[derive(Debug)]
pub(super) struct Pace {
    /// When the upload is given up, unless enough came before.
    pub(super) until: Instant,
    bytes: usize,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { until: now + SPAN, bytes: 0 }
    }

    pub(super) fn came(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        if self.bytes >= LEAST {
            *self = Self::new(now);
        }
    }

    /// Time that was ours, not the caller's.
    pub(super) fn excuse(&mut self, spent: Duration) {
        self.until += spent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enough_moves_the_end() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(start);
        pace.came(LEAST - 1, at(20));
        assert_eq!(pace.until, at(30), "not enough yet");
        pace.came(1, at(29));
        assert_eq!(pace.until, at(59));
        pace.came(LEAST - 1, at(30));
        pace.excuse(Duration::from_secs(5));
        assert_eq!(pace.until, at(64));
        pace.came(10 * LEAST, at(40));
        assert_eq!(pace.until, at(70), "a burst buys no more than one span");
    }
}
