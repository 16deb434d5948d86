//! One question to one policy, and its answer as a [`Decision`].

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use model::{Decision, Failure, Hook, Mode, PatchOp, Ruling};

use crate::About;
use crate::bindings::types::{Denial, Notes, Pair, Rejection};
use crate::call::{Broken, Called, Caller, Judgement};
use crate::draft::Draft;
use crate::host::{cut, line};
use crate::policy::{Policy, Set};
use crate::witness::View;

const MAX_WARNINGS: usize = 16;
const MAX_WARNING: usize = 256;
const MAX_ANNOTATIONS: usize = 32;
const MAX_ANNOTATION: usize = 1024;
const MAX_MESSAGE: usize = 1024;
const MAX_FIELD: usize = 256;
/// Of a decision that is kept for the next job.
const MAX_KEPT_OPS: usize = 64;

pub(crate) struct Asked {
    pub(crate) decision: Arc<Decision>,
    /// It is the one that was made of an earlier job.
    pub(crate) is_known: bool,
    pub(crate) draft: Draft,
}

/// What a policy said at a hook that judges.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) judgement: Judgement,
    /// The decision that was made when it was last said again of a job that was left as it was, and of one that was changed:
    /// a mutator is asked about one job twice. Not the changes, for what a job had before may be a secret.
    made: [ArcSwapOption<Decision>; 2],
}

impl Said {
    pub(crate) fn new(judgement: Judgement) -> Arc<Self> {
        Arc::new(Self { judgement, made: [const { ArcSwapOption::const_empty() }; 2] })
    }

    fn made(&self, is_changed: bool, patch: &[PatchOp]) -> Option<Arc<Decision>> {
        self.made[usize::from(is_changed)].load_full().filter(|decision| decision.patch == patch)
    }

    fn keep(&self, is_changed: bool, decision: &Arc<Decision>) {
        if decision.patch.len() <= MAX_KEPT_OPS {
            self.made[usize::from(is_changed)].store(Some(Arc::clone(decision)));
        }
    }
}

impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.judgement == other.judgement
    }
}

/// Asks at a hook that gives an answer about a draft.
pub(crate) fn ask(
    caller: Caller<'_>,
    (set, policy): (&Set, &Arc<Policy>),
    about: &Arc<About>,
    hook: Hook,
    draft: Draft,
) -> Asked {
    let view = View::new(policy, about, hook, draft);
    let called = caller.ask(
        view,
        |policy| &policy.judged,
        |store, entries| match hook {
            Hook::Mutation => entries.mutation()?.call_mutate(store).map(Said::new),
            _ => entries.validation()?.call_validate(store).map(Said::new),
        },
    );
    judged((set, policy), hook, called)
}

/// The decision that a judging hook's answer is, bounded and counted.
pub(crate) fn judged((set, policy): (&Set, &Policy), hook: Hook, called: Called<Arc<Said>>) -> Asked {
    let Called { answer, mut draft, memory, took, remembered } = called;
    let (patch, refused) = draft.patch();
    let (is_changed, is_clean) = (draft.is_changed(), refused.is_empty() && !draft.is_malformed());
    let again = answer.as_ref().ok().filter(|_| remembered && is_clean);
    if let Some(decision) = again.and_then(|said| said.made(is_changed, &patch)) {
        policy.stats.count(decision.verdict, None, took, memory);
        return Asked { decision, is_known: true, draft };
    }
    let mut decision = Decision { remembered, patch, refused, ..set.decision_of(policy, hook) };
    if !remembered {
        decision.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    }
    let failure = match &answer {
        Ok(said) => decision.fill(&said.judgement, &draft),
        Err(broken) => {
            decision.fail(broken);
            Some(broken.failure)
        }
    };
    if decision.verdict == Ruling::Allow && is_changed {
        decision.verdict = Ruling::Mutate;
    }
    policy.stats.count(decision.verdict, failure, took, memory);
    let decision = Arc::new(decision);
    if let Some(said) = again
        && failure.is_none()
    {
        said.keep(is_changed, &decision);
    }
    Asked { decision, is_known: false, draft }
}

impl Set {
    /// An `allow` to be filled in.
    pub(crate) fn decision_of(&self, policy: &Policy, hook: Hook) -> Decision {
        blank(self, (&policy.name, &policy.digest), policy.mode, hook)
    }

    /// In the name of the set as a whole.
    pub(crate) fn decision(&self, hook: Hook) -> Decision {
        blank(self, ("", ""), Mode::Enforce, hook)
    }
}

fn blank(set: &Set, (policy, digest): (&str, &str), mode: Mode, hook: Hook) -> Decision {
    Decision {
        policy: policy.into(),
        digest: digest.into(),
        generation: set.generation,
        hook,
        mode,
        verdict: Ruling::Allow,
        code: None,
        reason: None,
        field: None,
        retryable: false,
        warnings: Vec::new(),
        annotations: BTreeMap::new(),
        patch: Vec::new(),
        refused: Vec::new(),
        shadow: false,
        remembered: false,
        duration_us: 0,
    }
}

/// What an answer makes of a decision.
pub(crate) trait Fill {
    /// Of what was said while the draft became what it is; `Some` where that is no answer that counts.
    fn fill(&mut self, said: &Judgement, draft: &Draft) -> Option<Failure>;
    fn note(&mut self, notes: Notes);
    fn deny(&mut self, denial: Denial) -> Option<Failure>;
    fn fail(&mut self, broken: &Broken);
}

impl Fill for Decision {
    fn fill(&mut self, said: &Judgement, draft: &Draft) -> Option<Failure> {
        match said.clone() {
            Ok(notes) => {
                self.note(notes);
                draft.is_malformed().then(|| {
                    let detail =
                        "it asked for a change that is no operation of a JSON Patch (RFC 6902)".into();
                    self.fail(&Broken { failure: Failure::BadOutput, detail });
                    Failure::BadOutput
                })
            }
            Err(denial) => self.deny(denial),
        }
    }

    fn note(&mut self, Notes { warnings, annotations }: Notes) {
        self.warnings = warnings.into_iter().take(MAX_WARNINGS).map(|text| line(text, MAX_WARNING)).collect();
        self.annotations = bounded(annotations);
    }

    /// `Some` where the denial itself is malformed; it denies all the same.
    fn deny(&mut self, Denial { reason, notes }: Denial) -> Option<Failure> {
        self.note(notes);
        let Rejection { code, message, field, retryable } = reason;
        if !is_code(&code) {
            let detail = format!("it denied with `{}`, which is no code", line(code, 64));
            self.fail(&Broken { failure: Failure::BadOutput, detail });
            return Some(Failure::BadOutput);
        }
        self.verdict = Ruling::Deny;
        self.code = Some(code);
        self.reason = Some(line(message, MAX_MESSAGE));
        self.field = field.map(|field| line(field, MAX_FIELD));
        self.retryable = retryable;
        None
    }

    fn fail(&mut self, Broken { failure, detail }: &Broken) {
        self.verdict = Ruling::Error;
        self.code = Some(failure.word().into());
        self.reason = Some(line(detail.clone(), MAX_MESSAGE));
    }
}

/// It may become a metric's label.
fn is_code(code: &str) -> bool {
    (1..=64).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(crate) fn bounded(pairs: Vec<Pair>) -> BTreeMap<String, String> {
    let cut_both = |pair: Pair| (cut(pair.key, MAX_ANNOTATION), cut(pair.value, MAX_ANNOTATION));
    pairs.into_iter().take(MAX_ANNOTATIONS).map(cut_both).collect()
}

#[cfg(test)]
mod tests;
