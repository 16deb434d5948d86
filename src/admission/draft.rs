//! The job on its way through the chain: what was changed, by whom, and how to take a change back.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{JobSpec, PatchOp, RefusedPatch};

mod change;
mod patch;

pub(crate) use change::Change;
use change::Field;
pub(crate) use patch::{PatchError, Rights};

/// A change of a variable is one for each of thousands of cases too.
const MAX_OPS: usize = 1024;

/// A job under change. Changes count once they are [kept](Draft::keep); until then they can be taken back.
#[derive(Debug)]
pub(crate) struct Draft {
    /// Shared by whoever only reads; a change makes it one's own.
    spec: Arc<JobSpec>,
    /// Who has changed each field.
    owners: BTreeMap<Field, Arc<str>>,
    /// Since the last [`Draft::keep`] or [`Draft::discard`].
    pending: Vec<Change>,
    refused: Vec<RefusedPatch>,
    /// Since then a policy has asked for something that is no operation of a JSON Patch.
    malformed: bool,
    /// Counts the keeps that changed something.
    version: u64,
}

impl Draft {
    pub(crate) fn new(spec: Arc<JobSpec>) -> Self {
        Self {
            spec,
            owners: BTreeMap::new(),
            pending: Vec::new(),
            refused: Vec::new(),
            malformed: false,
            version: 0,
        }
    }

    pub(crate) fn spec(&self) -> &JobSpec {
        &self.spec
    }

    pub(crate) fn into_spec(self) -> Arc<JobSpec> {
        self.spec
    }

    /// How many changes are pending: with the version it tells apart every state of the job.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn is_malformed(&self) -> bool {
        self.malformed
    }

    pub(crate) fn is_changed(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(crate) fn owner(&self, pointer: &str) -> Option<&Arc<str>> {
        self.owners.iter().find(|(field, _)| field.pointer() == pointer).map(|(_, owner)| owner)
    }

    /// The pending changes as a JSON Patch, as far as it is kept on record, and what was refused.
    pub(crate) fn patch(&mut self) -> (Vec<PatchOp>, Vec<RefusedPatch>) {
        (self.pending.iter().flat_map(Change::ops).take(MAX_OPS).collect(), std::mem::take(&mut self.refused))
    }

    /// The pending changes become the job's, in the name of `policy`.
    pub(crate) fn keep(&mut self, policy: &Arc<str>) {
        if self.pending.is_empty() {
            return;
        }
        self.version += 1;
        for change in self.pending.drain(..) {
            // Also where it was another's: who may override owns what it wrote, so the first writer cannot write it back.
            self.owners.insert(change.field, Arc::clone(policy));
        }
    }

    /// The job is again as it was at the last keep.
    pub(crate) fn discard(&mut self) {
        self.undo(0);
        self.malformed = false;
    }

    /// As [`Draft::discard`], and as if nothing had been refused since.
    pub(crate) fn rewind(&mut self) {
        self.discard();
        self.refused.clear();
    }

    /// The job is again as it was when there were that many pending changes.
    fn undo(&mut self, left: usize) {
        for change in self.pending.drain(left..).rev() {
            change.inverse().apply(Arc::make_mut(&mut self.spec));
        }
    }

    /// The pending changes, which are taken back: what a policy that is not enforced would do.
    pub(crate) fn withdraw(&mut self) -> Vec<Change> {
        let changes = self.pending.clone();
        self.discard();
        changes
    }

    /// The job as it would be after `changes` too.
    pub(crate) fn shadow(&self, changes: &[Change]) -> Self {
        let mut spec = JobSpec::clone(&self.spec);
        for change in changes {
            change.apply(&mut spec);
        }
        Self::new(Arc::new(spec))
    }
}

#[cfg(test)]
mod tests;
