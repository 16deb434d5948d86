use alloc::vec::Vec;

use serde::de::DeserializeOwned;

use crate::{Additions, Container, Job, Outcome, SettingsError, Verdict};

/// A policy: its settings, read anew for every instance, which is used for one call. Put `#[serde(deny_unknown_fields)]` on it, so that a typing error in
/// a bundle is refused and not overlooked.
pub trait Policy: DeserializeOwned + Send + Sync + 'static {
    /// What serde cannot see: empty lists, bounds, settings that exclude one another. Empty when all is well; anything else
    /// keeps the bundle from being loaded.
    fn check(&self) -> Vec<SettingsError> {
        Vec::new()
    }
}

/// Hook `mutation`: changes the job through [`patch`](crate::patch). Called a second time on its own result, when it must
/// change nothing.
pub trait Mutate: Policy {
    fn mutate(&self, job: &Job) -> Verdict;
}

/// Hook `validation`: judges the job as all mutators left it.
pub trait Validate: Policy {
    fn validate(&self, job: &Job) -> Verdict;
}

/// Hook `pre_start`: judges the container as it stands, before the job's first program starts.
pub trait PreStart: Policy {
    fn approve(&self, job: &Job, container: &Container) -> Verdict;
}

/// Hook `on_started`: told that a job has started.
pub trait OnStarted: Policy {
    fn started(&self, job: &Job, container: &Container) -> Additions;
}

/// Hook `on_exited`: told that an admitted job has ended, by whatever way.
pub trait OnExited: Policy {
    fn exited(&self, job: &Job, container: &Container, outcome: &Outcome) -> Additions;
}

/// Hook `connection`: judges one outgoing connection of a running job.
pub trait Connection: Policy {
    /// `host` is the name that the job asked for, in lower case, or an address.
    fn connect(&self, job: &Job, host: &str, port: u16) -> Verdict;
}
