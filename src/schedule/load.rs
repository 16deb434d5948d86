use std::collections::BTreeMap;

use crate::Capacity;

/// How much there is to do at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// Who is not there has nothing.
    pub tenants: BTreeMap<String, TenantLoad>,
    /// Of all tenants together.
    pub total: TenantLoad,
    pub capacity: Capacity,
}

/// A [`Seat`](crate::Seat) counts as queued, or as running where its job would start at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TenantLoad {
    pub queued: u32,
    pub running: u32,
    /// By running jobs and their further lanes.
    pub reserved_memory_bytes: u64,
    pub reserved_cpu_millis: u64,
    /// Counted by whole seconds, so the minute may be a second too long.
    pub started_last_minute: u32,
}

impl TenantLoad {
    pub(crate) fn add(&mut self, other: Self) {
        self.queued = self.queued.saturating_add(other.queued);
        self.running = self.running.saturating_add(other.running);
        self.reserved_memory_bytes = self.reserved_memory_bytes.saturating_add(other.reserved_memory_bytes);
        self.reserved_cpu_millis = self.reserved_cpu_millis.saturating_add(other.reserved_cpu_millis);
        self.started_last_minute = self.started_last_minute.saturating_add(other.started_last_minute);
    }
}
