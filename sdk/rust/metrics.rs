//! Grant `metrics`: counters of the policy's own.

use crate::host::metrics;

/// `name` is one of `metrics` in `policy.toml`; others are dropped and counted.
pub fn increment(name: &str, by: u64) {
    metrics::increment(name, by);
}
