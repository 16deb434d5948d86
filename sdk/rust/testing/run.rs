use std::collections::BTreeMap;

use super::Job;
use crate::log::Level;

/// One call of a hook and everything it did.
#[derive(Clone, Debug)]
pub struct Run<A> {
    pub answer: A,
    /// The job as the call left it; after a denial as it was before.
    pub job: Job,
    /// Changes that were made, in their order; those that changed nothing are left out.
    pub patches: Vec<Patch>,
    pub logs: Vec<(Level, String)>,
    pub metrics: BTreeMap<String, u64>,
}

/// One change: the function of the contract's interface `patch` without `set-`, and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    pub what: String,
    pub value: String,
}

impl Patch {
    pub fn new(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self { what: what.into(), value: value.into() }
    }
}

impl<A> Run<A> {
    pub fn patch(&self, what: &str) -> Option<&str> {
        self.patches.iter().find(|patch| patch.what == what).map(|patch| patch.value.as_str())
    }

    /// A counter of the policy's own; 0 where it was not touched.
    pub fn metric(&self, name: &str) -> u64 {
        self.metrics.get(name).copied().unwrap_or(0)
    }
}
