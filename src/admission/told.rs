//! What is told of all the decisions about one job.
//!
//! Jobs of one sender mostly are decided by what the policies said before. Where all decisions about a job are those about
//! an earlier one, it is told what that one was told: the list with its text, which was made once.

use std::sync::Arc;

use model::{Decision, Decisions, Mode, Ruling};

use crate::newest::Newest;

/// Of one set of policies.
#[derive(Debug, Default)]
pub(crate) struct Told(Newest<Kept>);

#[derive(Debug)]
struct Kept {
    of: Vec<Arc<Decision>>,
    decisions: Decisions,
    warnings: Vec<String>,
}

impl Told {
    /// Where all are known, the same ones are those in the same place, which saves looking into them.
    pub(crate) fn of(&self, all: Vec<Arc<Decision>>, are_known: bool) -> (Decisions, Vec<String>) {
        if !are_known {
            let all = owned(all);
            let warnings = warnings(&all);
            return (Decisions::told_often(all), warnings);
        }
        let same = |kept: &Kept| {
            kept.of.len() == all.len() && kept.of.iter().zip(&all).all(|(one, other)| Arc::ptr_eq(one, other))
        };
        let kept = self.0.find(same).unwrap_or_else(|| self.0.keep(Kept::new(all)));
        (kept.decisions.clone(), kept.warnings.clone())
    }
}

impl Kept {
    fn new(of: Vec<Arc<Decision>>) -> Self {
        let all: Vec<_> = of.iter().map(|decision| Decision::clone(decision)).collect();
        let warnings = warnings(&all);
        Self { of, decisions: Decisions::told_often(all), warnings }
    }
}

pub(crate) fn owned(all: Vec<Arc<Decision>>) -> Vec<Decision> {
    all.into_iter().map(Arc::unwrap_or_clone).collect()
}

/// For whoever sent the job, which is not the one that they say it would have become.
pub(crate) fn warnings(all: &[Decision]) -> Vec<String> {
    all.iter().filter(|decision| !decision.shadow).flat_map(lines_of).collect()
}

/// What whoever sent the job is told of a decision: nothing of `audit`, and of `warn` also what it would have done.
fn lines_of(decision: &Decision) -> Vec<String> {
    let policy = &decision.policy;
    let mut told = Vec::new();
    if decision.mode != Mode::Audit {
        told.extend(decision.warnings.iter().map(|text| format!("{policy}: {text}")));
    }
    if decision.mode == Mode::Warn && decision.verdict != Ruling::Allow {
        told.push(format!("{policy} (not enforced): {}", would_be(decision)));
    }
    told
}

fn would_be(decision: &Decision) -> String {
    match decision.verdict {
        Ruling::Mutate => {
            let paths: Vec<&str> = decision.patch.iter().map(|op| op.path.as_str()).collect();
            format!("would change {}", paths.join(", "))
        }
        Ruling::Allow | Ruling::Deny | Ruling::Error => decision.reason.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
