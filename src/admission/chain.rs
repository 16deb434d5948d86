//! From a checked job to a verdict: mutators in order, once more to see that nothing changes, the host's caps, then all
//! validators.

use std::sync::Arc;

use model::{Decision, Failure, FieldError, Hook, HostPolicy, JobSpec, Mode, Ruling};

use crate::About;
use crate::call::{Broken, Caller};
use crate::draft::{Change, Draft};
use crate::lifecycle::Follower;
use crate::policy::{Asked as Match, Policy, Set};
use crate::record::{Asked, Fill, ask};
use crate::told::{owned, warnings};
use crate::verdict::{Admitted, Denial, Verdict};

/// One decision on its way.
pub(crate) struct Chain<'a> {
    pub(crate) caller: Caller<'a>,
    pub(crate) set: &'a Arc<Set>,
    pub(crate) host: &'a HostPolicy,
    pub(crate) about: Arc<About>,
    asks: Match,
    pub(crate) decisions: Vec<Arc<Decision>>,
    /// All of them were made of earlier jobs.
    are_known: bool,
    /// What mutators in `warn` and `audit` would have changed.
    shadowed: Vec<Change>,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(
        caller: Caller<'a>,
        set: &'a Arc<Set>,
        host: &'a HostPolicy,
        about: Arc<About>,
        asks: Match,
    ) -> Self {
        Self {
            caller,
            set,
            host,
            about,
            asks,
            // Mutators mostly are validators too.
            decisions: Vec::with_capacity(2 * set.policies.len()),
            are_known: true,
            shadowed: Vec::new(),
        }
    }

    /// Also gives back whether the whole of it went well; a denial has been recorded then.
    pub(crate) fn decide(mut self, spec: Arc<JobSpec>) -> (Self, Result<Arc<JobSpec>, ()>) {
        let draft = Draft::new(spec);
        let mutated = self.mutate(draft).and_then(|draft| self.cap(draft));
        let judged = mutated.and_then(|draft| self.validate(draft));
        (self, judged.map(Draft::into_spec))
    }

    /// `Err` where a mutator denied: what the job would have become is not known then, so nobody else is asked.
    fn mutate(&mut self, mut draft: Draft) -> Result<Draft, ()> {
        let set = Arc::clone(self.set);
        // What each mutator has seen: who has seen the job as it is now would say the same again.
        let mut seen: Vec<Option<u64>> = Vec::new();
        for policy in set.at(Hook::Mutation) {
            if !self.asks.has(policy) {
                seen.push(None);
                continue;
            }
            seen.push(Some(draft.version()));
            draft = self.mutate_once(policy, draft)?;
        }
        for (policy, seen) in set.at(Hook::Mutation).zip(seen) {
            let enforced = policy.mode == Mode::Enforce;
            if enforced && seen.is_some_and(|seen| seen != draft.version()) {
                draft = self.mutate_again(policy, draft)?;
            }
        }
        Ok(draft)
    }

    fn mutate_once(&mut self, policy: &Arc<Policy>, draft: Draft) -> Result<Draft, ()> {
        let Asked { decision, is_known, mut draft } = self.ask(policy, Hook::Mutation, draft);
        let allowed = matches!(decision.verdict, Ruling::Allow | Ruling::Mutate);
        if policy.mode == Mode::Enforce {
            if allowed {
                draft.keep(&policy.name);
            } else {
                draft.discard();
            }
        } else {
            let changes = draft.withdraw();
            self.shadowed.extend(changes.into_iter().filter(|_| allowed));
        }
        self.record(decision, is_known)?;
        Ok(draft)
    }

    /// The second pass: the first answers were about another job than the one that is to run.
    fn mutate_again(&mut self, policy: &Arc<Policy>, draft: Draft) -> Result<Draft, ()> {
        let Asked { mut decision, is_known, mut draft } = self.ask(policy, Hook::Mutation, draft);
        draft.discard();
        if decision.verdict == Ruling::Allow {
            return Ok(draft);
        }
        if decision.verdict == Ruling::Mutate {
            let detail = "asked again about the job that all policies had changed, it changed it once more";
            let broken = Broken { failure: Failure::NotIdempotent, detail: detail.into() };
            Arc::make_mut(&mut decision).fail(&broken);
            policy.stats.fail(Failure::NotIdempotent);
        }
        self.record(decision, is_known)?;
        Ok(draft)
    }

    /// Policies may change a job only within what the host allows and into a job that could have been sent.
    fn cap(&mut self, draft: Draft) -> Result<Draft, ()> {
        if draft.version() == 0 {
            return Ok(draft);
        }
        let Err(errors) = draft.spec().recheck(self.host) else { return Ok(draft) };
        for FieldError { pointer, detail, .. } in errors {
            let owner = draft.owner(&pointer).cloned();
            let policy = owner.and_then(|name| self.set.policies.iter().find(|policy| policy.name == name));
            let broken = Broken { failure: Failure::HardCap, detail };
            let mut decision = match policy {
                Some(policy) => {
                    Decision { mode: Mode::Enforce, ..self.set.decision_of(policy, Hook::Mutation) }
                }
                None => self.set.decision(Hook::Mutation),
            };
            policy.map(|policy| policy.stats.fail(Failure::HardCap));
            decision.fail(&broken);
            decision.field = Some(pointer);
            self.decisions.push(Arc::new(decision));
        }
        Err(())
    }

    /// All of them are asked, so that whoever sent the job hears everything that is wrong with it.
    fn validate(&mut self, mut draft: Draft) -> Result<Draft, ()> {
        let set = Arc::clone(self.set);
        let mut verdict = Ok(());
        // What is not enforced is also held against the job as it would be if everything were.
        let mut shadow = (!self.shadowed.is_empty()).then(|| draft.shadow(&self.shadowed));
        for policy in set.at(Hook::Validation) {
            if self.asks.has(policy) {
                let asked = self.ask(policy, Hook::Validation, draft);
                draft = asked.draft;
                verdict = verdict.and(self.record(asked.decision, asked.is_known));
            }
            if policy.mode != Mode::Enforce {
                shadow = shadow.map(|shadow| self.validate_shadow(policy, shadow));
            }
        }
        verdict.map(|()| draft)
    }

    fn validate_shadow(&mut self, policy: &Arc<Policy>, shadow: Draft) -> Draft {
        if !self.asks.has(policy) {
            return shadow;
        }
        let Asked { mut decision, draft, .. } = self.ask(policy, Hook::Validation, shadow);
        Arc::make_mut(&mut decision).shadow = true;
        // Whatever it says of the job as it is not to run: that it denies is no denial.
        self.record(decision, false).ok();
        draft
    }

    fn ask(&self, policy: &Arc<Policy>, hook: Hook, draft: Draft) -> Asked {
        ask(self.caller, (self.set, policy), &self.about, hook, draft)
    }

    /// `Err` where it denies the job.
    fn record(&mut self, decision: Arc<Decision>, is_known: bool) -> Result<(), ()> {
        let denies = decision.denies();
        self.are_known &= is_known;
        self.decisions.push(decision);
        if denies { Err(()) } else { Ok(()) }
    }

    pub(crate) fn verdict(self, judged: Result<Arc<JobSpec>, ()>, follower: Option<Follower>) -> Verdict {
        match judged.ok().zip(follower) {
            Some((spec, follower)) => {
                let (decisions, warnings) = self.set.told.of(self.decisions, self.are_known);
                Verdict::Admitted(Admitted::new(spec, decisions, warnings, follower))
            }
            None => Verdict::Denied(Denial::from_decisions(owned(self.decisions))),
        }
    }
}

impl Denial {
    /// A policy's own no comes before one that is for lack of an answer; else the first counts.
    pub(crate) fn from_decisions(decisions: Vec<Decision>) -> Self {
        let of = |ruling| decisions.iter().find(|decision| decision.denies() && decision.verdict == ruling);
        let decision = of(Ruling::Deny).or(of(Ruling::Error)).cloned();
        let failure = decision
            .as_ref()
            .filter(|d| d.verdict == Ruling::Error)
            .and_then(|d| Failure::ALL.into_iter().find(|failure| Some(failure.word()) == d.code.as_deref()));
        let of = |text: Option<String>| text.unwrap_or_default();
        let decision = decision.unwrap_or_else(|| unreachable!("a denied job has a decision that denied it"));
        Self {
            policy: decision.policy,
            code: of(decision.code),
            reason: of(decision.reason),
            field: decision.field,
            retryable: decision.retryable || failure == Some(Failure::PoolExhausted),
            failure,
            warnings: warnings(&decisions),
            decisions,
        }
    }
}
