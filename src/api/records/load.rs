//! How many jobs each tenant has and what memory its running ones may take, for policies to decide by. Counted as jobs
//! move, so that a look costs no more than a copy.

use std::collections::BTreeMap;

use admission::Facts;
use model::Status;

#[derive(Debug)]
pub(super) struct Load {
    /// Jobs that run at one time.
    slots: u32,
    running: u32,
    /// A tenant without jobs keeps its place: there are few, and the next job needs it again.
    tenants: BTreeMap<String, Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    queued: u32,
    queued_bytes: u64,
    running: u32,
    running_bytes: u64,
}

impl Load {
    pub(super) fn new(slots: usize) -> Self {
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        Self { slots, running: 0, tenants: BTreeMap::new() }
    }

    /// A job of this tenant goes from one state to another; `None` where there is no such job.
    pub(super) fn moved(&mut self, tenant: &str, memory: u64, from: Option<Status>, to: Option<Status>) {
        if !self.tenants.contains_key(tenant) {
            self.tenants.insert(tenant.to_owned(), Counts::default());
        }
        let Some(counts) = self.tenants.get_mut(tenant) else { return };
        match from {
            Some(Status::Queued) => {
                counts.queued -= 1;
                counts.queued_bytes = counts.queued_bytes.saturating_sub(memory);
            }
            Some(Status::Running) => {
                self.running -= 1;
                counts.running -= 1;
                counts.running_bytes = counts.running_bytes.saturating_sub(memory);
            }
            _ => (),
        }
        match to {
            Some(Status::Queued) => {
                counts.queued += 1;
                counts.queued_bytes = counts.queued_bytes.saturating_add(memory);
            }
            Some(Status::Running) => {
                self.running += 1;
                counts.running += 1;
                counts.running_bytes = counts.running_bytes.saturating_add(memory);
            }
            _ => (),
        }
    }

    /// A job for which there is a slot counts as running: of many that come at one time, all but the first would
    /// otherwise be decided as if nobody ran.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        let mut free = self.slots.saturating_sub(self.running);
        for (tenant, counts) in &self.tenants {
            let starting = counts.queued.min(free);
            free -= starting;
            let (running, queued) = (counts.running + starting, counts.queued - starting);
            if queued > 0 {
                facts.queued_jobs.insert(tenant.clone(), queued);
            }
            if running > 0 {
                // Which of them start now is not known here, so all that wait might.
                let starting_bytes = if starting > 0 { counts.queued_bytes } else { 0 };
                let reserved = counts.running_bytes.saturating_add(starting_bytes);
                facts.running_jobs.insert(tenant.clone(), running);
                facts.reserved_memory_bytes.insert(tenant.clone(), reserved);
            }
        }
        facts
    }
}
