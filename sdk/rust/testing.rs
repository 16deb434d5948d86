//! Tests of a policy by plain `cargo test`: the same API, answered by a fake of the service in this process.
//!
//! Describe a [`Job`] and what is known around it, call a hook, look at the [`Run`]. The fake keeps the contract's rules:
//! writes to the memory only after the decision, changes only in `mutation`, no loosening without [`Job::loosen`].

mod document;
mod fake;
#[doc(hidden)]
pub mod host;
mod job;
mod run;

pub use job::{Container, Job, Outcome, Step};
pub use run::{Patch, Run};

use fake::Hook;

use crate::export::runtime::settings;
use crate::{
    Additions, Connection, Mutate, Notes, OnExited, OnStarted, Policy, PreStart, SettingsError, Validate,
    Verdict,
};

/// What `validate-settings` answers to settings in JSON; empty when they are accepted.
pub fn check<P: Policy>(settings: &str) -> Vec<SettingsError> {
    crate::settings::check::<P>(settings)
}

/// Calls the hook `mutation`.
///
/// # Panics
/// Where the settings are not accepted, as all these functions do.
pub fn mutate<P: Mutate>(job: &Job, settings_json: &str) -> Run<Verdict> {
    fake::call::<P, _>(Hook::Mutation, job, settings_json, || settings::<P>().mutate(&crate::Job::current()))
}

/// Calls the hook `mutation`, then once more on the result, and asserts that the second call changes nothing.
pub fn mutate_twice<P: Mutate>(job: &Job, settings_json: &str) -> Run<Verdict> {
    let first = mutate::<P>(job, settings_json);
    let second = mutate::<P>(&first.job, settings_json);
    assert!(second.patches.is_empty(), "not idempotent: the second call changed {:?}", second.patches);
    first
}

/// Calls the hook `validation`.
pub fn validate<P: Validate>(job: &Job, settings_json: &str) -> Run<Verdict> {
    fake::call::<P, _>(Hook::Decision, job, settings_json, || {
        settings::<P>().validate(&crate::Job::current())
    })
}

/// Calls the hook `pre_start`.
pub fn approve<P: PreStart>(job: &Job, settings_json: &str) -> Run<Verdict> {
    fake::call::<P, _>(Hook::Decision, job, settings_json, || {
        settings::<P>().approve(&crate::Job::current(), &crate::Container::current())
    })
}

/// Calls the hook `connection`.
pub fn connect<P: Connection>(job: &Job, settings_json: &str, host: &str, port: u16) -> Run<Verdict> {
    fake::call::<P, _>(Hook::Decision, job, settings_json, || {
        settings::<P>().connect(&crate::Job::current(), host, port)
    })
}

/// Calls the hook `on_started`.
pub fn started<P: OnStarted>(job: &Job, settings_json: &str) -> Run<Additions> {
    fake::call::<P, _>(Hook::Lifecycle, job, settings_json, || {
        settings::<P>().started(&crate::Job::current(), &crate::Container::current())
    })
}

/// Calls the hook `on_exited`.
pub fn exited<P: OnExited>(job: &Job, settings_json: &str) -> Run<Additions> {
    fake::call::<P, _>(Hook::Lifecycle, job, settings_json, || {
        settings::<P>().exited(
            &crate::Job::current(),
            &crate::Container::current(),
            &crate::Outcome::current(),
        )
    })
}

impl Run<Verdict> {
    /// # Panics
    /// Where the job was denied.
    pub fn allowed(&self) -> &Notes {
        match &self.answer {
            Ok(notes) => notes,
            Err(denial) => panic!("denied: {denial:?}"),
        }
    }

    /// # Panics
    /// Where the job was allowed.
    pub fn denial(&self) -> &crate::Denial {
        match &self.answer {
            Ok(notes) => panic!("allowed: {notes:?}"),
            Err(denial) => denial,
        }
    }
}
