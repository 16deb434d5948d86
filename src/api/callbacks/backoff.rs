//! When a callback that was not taken is sent again.

use std::time::Duration;

use uuid::Uuid;

/// After the first attempt, the second, and so on; what fails after the last is dropped.
const DELAYS: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_hours(1),
];

/// More than any of them with what [`jittered`] adds.
pub(super) const LONGEST: Duration = Duration::from_hours(2);

/// How long to wait after that many failed attempts; `None` when there were enough.
pub(super) fn delay(failed: u32) -> Option<Duration> {
    let index = usize::try_from(failed.checked_sub(1)?).ok()?;
    DELAYS.get(index).map(|delay| jittered(*delay, chance()))
}

/// A fifth more at most: callbacks that failed together must not all come back together.
fn jittered(delay: Duration, chance: u8) -> Duration {
    delay + delay * u32::from(chance) / (5 * 255)
}

/// The last byte of a UUID is random (RFC 9562 section 5.7).
fn chance() -> u8 {
    Uuid::now_v7().as_bytes()[15]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_each_time_and_then_never() {
        let delays: Vec<_> = (1..=6).map(|failed| delay(failed).expect("another attempt")).collect();
        for (delay, least) in delays.iter().zip(DELAYS) {
            assert!((least..=least * 6 / 5).contains(delay), "{delay:?}");
            assert!(*delay < LONGEST, "{delay:?}");
        }
        assert_eq!((delay(0), delay(7), delay(u32::MAX)), (None, None, None));
    }

    #[test]
    fn spread() {
        let second = Duration::from_secs(1);
        assert_eq!((jittered(second, 0), jittered(second, 255)), (second, Duration::from_millis(1200)));
        let seen: std::collections::BTreeSet<_> = (0..64).map(|_| chance()).collect();
        assert!(seen.len() > 16, "{seen:?}");
    }
}
