//! What is told of all the decisions about one job.
//!
//! Jobs of one sender mostly are decided by what the policies said before. Where all decisions about a job are those about
//! an earlier one, it is told what that one was told: the list with its text, which was made once.

use std::collections::VecDeque;
use std::sync::Arc;

use arc_swap::ArcSwap;
use model::{Decision, Decisions};

use crate::record;

/// Of one set of policies.
const MOST: usize = 8;

/// Newest first.
#[derive(Debug, Default)]
pub(crate) struct Told(ArcSwap<VecDeque<Arc<Kept>>>);

#[derive(Debug)]
struct Kept {
    of: Vec<Arc<Decision>>,
    decisions: Decisions,
    warnings: Vec<String>,
}

impl Told {
    /// The same decisions are those in the same place, which saves looking into them.
    pub(crate) fn of(&self, all: Vec<Arc<Decision>>) -> (Decisions, Vec<String>) {
        if !all.iter().all(|decision| decision.remembered) {
            let all = owned(all);
            let warnings = warnings(&all);
            return (Decisions::told_often(all), warnings);
        }
        let known = self.0.load();
        let same = |kept: &&Arc<Kept>| {
            kept.of.len() == all.len() && kept.of.iter().zip(&all).all(|(one, other)| Arc::ptr_eq(one, other))
        };
        let kept = known.iter().find(same).cloned().unwrap_or_else(|| self.keep(all));
        (kept.decisions.clone(), kept.warnings.clone())
    }

    fn keep(&self, of: Vec<Arc<Decision>>) -> Arc<Kept> {
        let all = owned(of.clone());
        let warnings = warnings(&all);
        let new = Arc::new(Kept { of, decisions: Decisions::told_often(all), warnings });
        self.0.rcu(|known| {
            let mut known = VecDeque::clone(known);
            known.push_front(Arc::clone(&new));
            known.truncate(MOST);
            known
        });
        new
    }
}

pub(crate) fn owned(all: Vec<Arc<Decision>>) -> Vec<Decision> {
    all.into_iter().map(Arc::unwrap_or_clone).collect()
}

/// For whoever sent the job, which is not the one that they say it would have become.
pub(crate) fn warnings(all: &[Decision]) -> Vec<String> {
    all.iter().filter(|decision| !decision.shadow).flat_map(record::told).collect()
}

#[cfg(test)]
mod tests;
