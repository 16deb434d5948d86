//! What each policy did since the process was started; kept across reloads, by name.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::{Failure, Ruling};
use schemars::JsonSchema;
use serde::Serialize;

#[derive(Debug, Default)]
pub(crate) struct Stats {
    calls: AtomicU64,
    allowed: AtomicU64,
    mutated: AtomicU64,
    denied: AtomicU64,
    failures: [AtomicU64; Failure::ALL.len()],
    total_us: AtomicU64,
    slowest_us: AtomicU64,
    memory_peak_bytes: AtomicU64,
    pub(crate) remembered: AtomicU64,
    pub(crate) dropped_events: AtomicU64,
    pub(crate) dropped_log_lines: AtomicU64,
    pub(crate) dropped_metrics: AtomicU64,
    metrics: Mutex<BTreeMap<String, u64>>,
}

/// The counters of a policy since the process was started; kept across reloads, by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyStats {
    pub calls: u64,
    pub allowed: u64,
    pub mutated: u64,
    pub denied: u64,
    /// By the words of [`Failure`]; those that happened.
    pub errors: BTreeMap<&'static str, u64>,
    pub total_us: u64,
    pub slowest_us: u64,
    pub memory_peak_bytes: u64,
    /// Calls that were answered as an earlier one that had asked the same, without an instance.
    pub remembered: u64,
    pub dropped_events: u64,
    pub dropped_log_lines: u64,
    pub dropped_metrics: u64,
    /// The policy's own counters.
    pub metrics: BTreeMap<String, u64>,
}

impl Stats {
    pub(crate) fn count(&self, ruling: Ruling, failure: Option<Failure>, took: Duration, memory: usize) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.calls.fetch_add(1, Relaxed);
        self.total_us.fetch_add(took, Relaxed);
        self.slowest_us.fetch_max(took, Relaxed);
        self.memory_peak_bytes.fetch_max(memory as u64, Relaxed);
        match (ruling, failure) {
            (Ruling::Allow, _) => self.allowed.fetch_add(1, Relaxed),
            (Ruling::Mutate, _) => self.mutated.fetch_add(1, Relaxed),
            (Ruling::Deny, _) => self.denied.fetch_add(1, Relaxed),
            (Ruling::Error, failure) => self.fail(failure.unwrap_or(Failure::HostError)),
        };
    }

    /// A failure that is not one call's.
    pub(crate) fn fail(&self, failure: Failure) -> u64 {
        let index = Failure::ALL.iter().position(|known| *known == failure).unwrap_or(0);
        self.failures[index].fetch_add(1, Relaxed)
    }

    pub(crate) fn metric(&self, name: &str, by: u64) {
        let mut metrics = self.metrics.lock().unwrap_or_else(PoisonError::into_inner);
        let value = metrics.entry(name.to_owned()).or_default();
        *value = value.saturating_add(by);
    }

    pub(crate) fn now(&self) -> PolicyStats {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        let errors = Failure::ALL.iter().zip(&self.failures).map(|(f, count)| (f.word(), get(count)));
        PolicyStats {
            calls: get(&self.calls),
            allowed: get(&self.allowed),
            mutated: get(&self.mutated),
            denied: get(&self.denied),
            errors: errors.filter(|(_, count)| *count > 0).collect(),
            total_us: get(&self.total_us),
            slowest_us: get(&self.slowest_us),
            memory_peak_bytes: get(&self.memory_peak_bytes),
            remembered: get(&self.remembered),
            dropped_events: get(&self.dropped_events),
            dropped_log_lines: get(&self.dropped_log_lines),
            dropped_metrics: get(&self.dropped_metrics),
            metrics: self.metrics.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

#[cfg(test)]
mod tests;
