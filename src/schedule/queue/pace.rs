//! How soon to come again, by how often jobs were started of late.

use std::time::Duration;

/// A service that stops is back soon, or not at all.
pub(super) const RESTART: Duration = Duration::from_secs(5);
const MINUTE: u32 = 60;

/// At least a second, so that nobody knocks all the time, and at most a minute.
pub(super) fn until_next(started: u32, now: Duration) -> Duration {
    let observed = now.min(Duration::from_secs(MINUTE.into()));
    let mean = observed / started.max(1);
    mean.clamp(Duration::from_secs(1), Duration::from_secs(MINUTE.into()))
}
