//! What a policy sees of one call, and what it has looked at.
//!
//! There is no clock and no chance in a policy: what it says depends on what the host has answered it, and on nothing else.
//! So a call is noted down as the steps that it took: what was asked with what came of it, and what was done. Where all of
//! them come out the same for another job, the policy would say the same ([`Recall`](crate::recall::Recall)).
//!
//! Invariant: a [`View`] is reached through these functions alone, so nothing that a policy was told is missing in the notes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use model::{Hook, JobSpec, Receipt};

use crate::About;
use crate::about::unix_ms;
use crate::draft::Draft;
use crate::policy::Policy;

mod answer;

pub(crate) use answer::Answer;

/// A call with more of either is not noted down to its end. What was asked and said is kept as long as its policy.
const MAX_STEPS: usize = 256;
/// Of questions and answers together.
pub(crate) const MAX_BYTES: usize = 16 << 10;
/// Between two looks at the time.
const LOOK: usize = 64;

#[derive(Debug)]
pub(crate) struct View {
    pub(crate) policy: Arc<Policy>,
    pub(crate) about: Arc<About>,
    pub(crate) hook: Hook,
    pub(crate) draft: Draft,
    pub(crate) container: Option<Arc<Receipt>>,
    pub(crate) outcome: Option<Arc<model::Job>>,
    /// Of whoever asks; for ever where nobody has said.
    ends: Option<Instant>,
    /// Something was answered that is not all, for want of time.
    is_cut: AtomicBool,
}

impl View {
    pub(crate) fn new(policy: &Arc<Policy>, about: &Arc<About>, hook: Hook, draft: Draft) -> Self {
        let (policy, about) = (Arc::clone(policy), Arc::clone(about));
        Self {
            policy,
            about,
            hook,
            draft,
            container: None,
            outcome: None,
            ends: None,
            is_cut: AtomicBool::new(false),
        }
    }

    pub(crate) fn spec(&self) -> &JobSpec {
        self.draft.spec()
    }

    pub(crate) fn now_ms(&self) -> u64 {
        unix_ms(self.about.now)
    }

    /// A deadline does not reach into the host by itself. So what may take long with a large job looks at this, and stops:
    /// what comes of a call after its end is no answer, what it does has no effect, and nothing that comes too late is given
    /// again.
    pub(crate) fn in_time(&self) -> bool {
        let in_time = self.ends.is_none_or(|ends| Instant::now() < ends);
        if !in_time {
            self.is_cut.store(true, Relaxed);
        }
        in_time
    }

    /// As many as there is time for. Looks at it now and then: a job can have millions of words.
    pub(crate) fn timed<I: Iterator>(&self, all: I) -> impl Iterator<Item = I::Item> + use<'_, I> {
        let in_time = |(number, _): &(usize, I::Item)| !number.is_multiple_of(LOOK) || self.in_time();
        all.enumerate().take_while(in_time).map(|(_, one)| one)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Relaxed)
    }

    pub(crate) fn end_at(&mut self, ends: Option<Instant>) {
        (self.ends, self.is_cut) = (ends, AtomicBool::new(false));
    }
}

/// Done once more: whether it comes out the same.
type Step = Box<dyn Fn(&mut View) -> bool + Send + Sync>;
/// What nobody answers, such as a line of the log.
type Effect = Box<dyn Fn(&View) + Send + Sync>;

/// One call, from its beginning to its end.
#[derive(Default)]
pub(crate) struct Steps {
    all: Vec<Step>,
    effects: Vec<Effect>,
    bytes: usize,
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Steps").field("all", &self.all.len()).finish_non_exhaustive()
    }
}

impl Steps {
    /// Whether all of them come out the same, and that is known by then. The draft is as the call would have left it, else
    /// as it was.
    pub(crate) fn again(&self, view: &mut View, until: Instant) -> bool {
        // Looked at before each step too: the host may have searched a job for it.
        let in_time = || Instant::now() < until;
        let same = self.all.iter().all(|step| in_time() && step(view)) && in_time();
        if !same {
            view.draft.rewind();
        }
        same
    }

    /// To be called after [`Steps::again`], for a call that is not made.
    pub(crate) fn tell(&self, view: &View) {
        self.effects.iter().for_each(|effect| effect(view));
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[derive(Debug)]
pub(crate) struct Witness {
    view: View,
    /// `None` where nobody wants to know, or what was looked at can never be the same again.
    notes: Option<Steps>,
}

impl Witness {
    pub(crate) fn new(view: View, notes: bool) -> Self {
        Self { view, notes: notes.then(Steps::default) }
    }

    /// Answers the policy from the view, and notes it. `bytes` is what has to be kept of the question.
    pub(crate) fn ask<T: Answer>(
        &mut self,
        bytes: usize,
        of: impl Fn(&View) -> T + Send + Sync + 'static,
    ) -> T {
        let answer = of(&self.view);
        self.note(bytes, &answer, |seen| Box::new(move |view| of(view) == seen));
        answer
    }

    /// Changes the draft for the policy, and notes it.
    pub(crate) fn act<T: Answer>(
        &mut self,
        bytes: usize,
        how: impl Fn(&mut View) -> T + Send + Sync + 'static,
    ) -> T {
        let answer = how(&mut self.view);
        self.note(bytes, &answer, |seen| Box::new(move |view| how(view) == seen));
        answer
    }

    /// Does what the policy hears nothing of.
    pub(crate) fn tell(&mut self, bytes: usize, what: impl Fn(&View) + Send + Sync + 'static) {
        if self.view.is_cut() {
            return;
        }
        what(&self.view);
        if let Some(notes) = self.room(bytes) {
            notes.effects.push(Box::new(what));
        }
    }

    /// For what is never the same twice, what is too much to be compared, and what may be a secret and so is not kept:
    /// nothing is noted of this call.
    pub(crate) fn look(&mut self) -> &View {
        self.notes = None;
        &self.view
    }

    pub(crate) fn end_at(&mut self, ends: Instant) {
        self.view.end_at(Some(ends));
    }

    pub(crate) fn in_time(&self) -> bool {
        self.view.in_time()
    }

    /// The same for all calls.
    pub(crate) fn name(&self) -> &str {
        &self.view.policy.name
    }

    pub(crate) fn settings(&self) -> &str {
        &self.view.policy.settings
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.view.policy.timeout
    }

    /// After the call: what became of the draft, and the notes.
    pub(crate) fn into_parts(self) -> (Draft, Option<Steps>) {
        (self.view.draft, self.notes)
    }

    /// The same where the witness stays; it has `nothing` then.
    pub(crate) fn leave(&mut self, nothing: Draft) -> (Draft, Option<Steps>) {
        (std::mem::replace(&mut self.view.draft, nothing), self.notes.take())
    }

    fn note<T: Answer>(&mut self, bytes: usize, answer: &T, step: impl FnOnce(T) -> Step) {
        if let Some(notes) = self.room(bytes + answer.bytes()) {
            notes.all.push(step(answer.clone()));
        }
    }

    fn room(&mut self, bytes: usize) -> Option<&mut Steps> {
        let notes = self.notes.as_mut()?;
        notes.bytes += bytes;
        if notes.bytes > MAX_BYTES || notes.all.len() + notes.effects.len() >= MAX_STEPS {
            self.notes = None;
        }
        self.notes.as_mut()
    }
}

#[cfg(test)]
mod tests;
