//! Answers given again without a call, where the policy would ask the same, be answered the same, and so say the same.
//!
//! Jobs of one sender mostly differ in what few policies look at. For such a policy this is a comparison in place of a new
//! instance. Nothing but a policy's own answer is kept: what was no answer, such as a timeout, is tried anew each time. And
//! nobody is told by it what others have asked for: it is kept for each tenant apart.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use model::Hook;

use crate::newest::Newest;
use crate::witness::{Answer, MAX_BYTES, Steps, View};

/// After as many calls in a row that were like none before, only every so many is compared and noted down.
const PATIENCE: u32 = 64;
/// What looking for an answer may take: a deadline does not reach into it.
const BUDGET: Duration = Duration::from_millis(1);

/// What one policy of one set has said, by hook.
#[derive(Debug)]
pub(crate) struct Recall<A>([Line<A>; 6]);

/// Of one policy at one hook.
#[derive(Debug)]
struct Line<A> {
    known: Newest<Known<A>>,
    /// Calls since one was like another.
    strange: AtomicU32,
}

#[derive(Debug)]
struct Known<A> {
    tenant: String,
    steps: Steps,
    answer: A,
}

impl<A> Default for Recall<A> {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Line { known: Newest::default(), strange: AtomicU32::new(0) }))
    }
}

impl<A: Answer> Recall<A> {
    fn line(&self, hook: Hook) -> &Line<A> {
        &self.0[hook as usize]
    }

    /// What the policy would say, with the draft as it would leave it; `None` also where it is not what is `wanted`.
    pub(crate) fn find(&self, view: &mut View, wanted: impl Fn(&A) -> bool) -> Option<A> {
        if !self.may_know(view.hook) {
            return None;
        }
        let (line, until) = (self.line(view.hook), Instant::now() + BUDGET);
        view.end_at(Some(until));
        let same = line.known.find(|one| {
            one.tenant == view.about.tenant && wanted(&one.answer) && one.steps.again(view, until)
        });
        view.end_at(None);
        let same = same?;
        line.strange.store(0, Relaxed);
        view.policy.stats.remembered.fetch_add(1, Relaxed);
        same.steps.tell(view);
        Some(same.answer.clone())
    }

    /// Whether it is worth looking for an answer.
    pub(crate) fn may_know(&self, hook: Hook) -> bool {
        worth_it(self.line(hook).strange.load(Relaxed))
    }

    /// Whether a call is worth being noted down. For one that was like none before.
    pub(crate) fn listens(&self, hook: Hook) -> bool {
        worth_it(self.line(hook).strange.fetch_add(1, Relaxed))
    }

    pub(crate) fn keep(&self, hook: Hook, tenant: &str, steps: Steps, answer: &A) {
        if steps.bytes() + answer.bytes() > MAX_BYTES {
            return;
        }
        self.line(hook).known.keep(Known { tenant: tenant.to_owned(), steps, answer: answer.clone() });
    }
}

fn worth_it(strange: u32) -> bool {
    strange < PATIENCE || strange.is_multiple_of(PATIENCE)
}

#[cfg(test)]
mod tests;
