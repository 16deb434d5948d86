//! Starts of each tenant, counted by the minute.

use stockade_policy::prelude::*;
use stockade_policy::{kv, log};

const MINUTE_MS: u64 = 60_000;
/// A minute's count is asked for in the next one too.
const KEPT_MS: u64 = 2 * MINUTE_MS;
/// What the policy's memory takes as a key.
const MAX_KEY_BYTES: usize = 128;

pub(crate) fn count(tenant: &str, now: u64) {
    if kv::add(&key(tenant, now / MINUTE_MS), 1, KEPT_MS).is_err() {
        log::warn("a start was not counted: the policy's memory is full");
    }
}

/// This minute's starts, and of the minute before the share that is less than a minute ago, rounded up.
pub(crate) fn in_last_minute(tenant: &str, now: u64) -> u64 {
    let (minute, passed) = (now / MINUTE_MS, now % MINUTE_MS);
    let of = |minute| u64::try_from(kv::number(&key(tenant, minute))).unwrap_or(0);
    let before = of(minute.saturating_sub(1)).saturating_mul(MINUTE_MS - passed).div_ceil(MINUTE_MS);
    of(minute).saturating_add(before)
}

fn key(tenant: &str, minute: u64) -> String {
    let key = format!("starts {minute} {tenant}");
    // Very long names share a count where they begin alike: rather too strict than not counted.
    stockade_policy::fmt::cut(&key, MAX_KEY_BYTES).to_owned()
}
