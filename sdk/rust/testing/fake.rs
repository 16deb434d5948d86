use std::cell::RefCell;
use std::collections::BTreeMap;

use super::{Job, Patch, Run};
use crate::Policy;
use crate::log::Level;

thread_local! {
    static CURRENT: RefCell<Option<Call>> = const { RefCell::new(None) };
}

/// What a hook may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    /// Changes the job.
    Mutation,
    /// Writes nothing at all.
    Decision,
    /// Writes to the policy's memory.
    Lifecycle,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) hook: Hook,
    pub(super) settings: String,
    pub(super) job: Job,
    pub(super) patches: Vec<Patch>,
    pub(super) logs: Vec<(Level, String)>,
    pub(super) metrics: BTreeMap<String, u64>,
}

/// Reads or changes the call under way.
pub(super) fn with<T>(use_it: impl FnOnce(&mut Call) -> T) -> T {
    CURRENT.with_borrow_mut(|call| {
        use_it(call.as_mut().expect("outside of a call: use a function of `stockade_policy::testing`"))
    })
}

pub(super) fn call<P: Policy, A: Denies>(
    hook: Hook,
    job: &Job,
    settings: &str,
    hook_itself: impl FnOnce() -> A,
) -> Run<A> {
    let errors = crate::settings::check::<P>(settings);
    assert!(errors.is_empty(), "settings refused: {errors:?}");
    let call = Call {
        hook,
        settings: settings.into(),
        job: job.clone(),
        patches: Vec::new(),
        logs: Vec::new(),
        metrics: BTreeMap::new(),
    };
    CURRENT.set(Some(call));
    let answer = hook_itself();
    let Call { job: after, patches, logs, metrics, .. } = CURRENT.take().expect("one call at a time");
    if answer.denies() {
        return Run { answer, job: job.clone(), patches: Vec::new(), logs, metrics };
    }
    Run { answer, job: after, patches, logs, metrics }
}

/// Whether an answer takes back the call's changes.
pub(super) trait Denies {
    fn denies(&self) -> bool;
}

impl Denies for crate::Verdict {
    fn denies(&self) -> bool {
        self.is_err()
    }
}

impl Denies for crate::Additions {
    fn denies(&self) -> bool {
        false
    }
}
