//! How many jobs each tenant has and what memory its running ones may take, for policies to decide by. Counted as jobs
//! move, so that a look costs no more than a copy.

use std::collections::BTreeMap;

use admission::Facts;
use model::Status;

/// A tenant without jobs keeps its place: there are few, and the next job needs it again.
#[derive(Debug, Default)]
pub(super) struct Load(BTreeMap<String, Counts>);

#[derive(Debug, Default)]
struct Counts {
    queued: u32,
    running: u32,
    reserved_bytes: u64,
}

impl Load {
    /// A job of this tenant goes from one state to another; `None` where there is no such job.
    pub(super) fn moved(&mut self, tenant: &str, memory: u64, from: Option<Status>, to: Option<Status>) {
        if !self.0.contains_key(tenant) {
            self.0.insert(tenant.to_owned(), Counts::default());
        }
        let Some(counts) = self.0.get_mut(tenant) else { return };
        match from {
            Some(Status::Queued) => counts.queued -= 1,
            Some(Status::Running) => {
                counts.running -= 1;
                counts.reserved_bytes -= memory;
            }
            _ => (),
        }
        match to {
            Some(Status::Queued) => counts.queued += 1,
            Some(Status::Running) => {
                counts.running += 1;
                counts.reserved_bytes += memory;
            }
            _ => (),
        }
    }

    pub(super) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        for (tenant, counts) in &self.0 {
            if counts.queued > 0 {
                facts.queued_jobs.insert(tenant.clone(), counts.queued);
            }
            if counts.running > 0 {
                facts.running_jobs.insert(tenant.clone(), counts.running);
                facts.reserved_memory_bytes.insert(tenant.clone(), counts.reserved_bytes);
            }
        }
        facts
    }
}
