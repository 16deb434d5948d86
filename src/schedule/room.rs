//! An amount of host: what a job needs, what is taken, what there is.

use crate::{Capacity, Reason, What};

/// A whole host, as a share. Fine enough that the smallest job of the heaviest tenant still costs something.
pub(crate) const HOST: u128 = 1 << 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) slots: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) cpu_millis: u64,
}

impl Room {
    pub(crate) fn of_sandbox(memory_bytes: u64, cpu_millis: u64) -> Self {
        Self { slots: 1, memory_bytes, cpu_millis }
    }

    pub(crate) fn of_host(capacity: &Capacity) -> Self {
        let Capacity { slots, memory_bytes, cpu_millis, max_queued: _ } = *capacity;
        Self { slots: slots.max(1), memory_bytes, cpu_millis }
    }

    pub(crate) fn holds(self, need: Self) -> bool {
        need.slots <= self.slots
            && need.memory_bytes <= self.memory_bytes
            && need.cpu_millis <= self.cpu_millis
    }

    /// What keeps `need` from ever fitting, if anything does.
    pub(crate) fn too_small_for(self, need: Self) -> Option<Reason> {
        let never = |what, asked, capacity| Reason::NeverFits { what, asked, capacity };
        if need.memory_bytes > self.memory_bytes {
            Some(never(What::Memory, need.memory_bytes, self.memory_bytes))
        } else if need.cpu_millis > self.cpu_millis {
            Some(never(What::Cpus, need.cpu_millis, self.cpu_millis))
        } else {
            None
        }
    }

    /// The share of the scarcest thing that `need` would take of this host, of [`HOST`].
    pub(crate) fn share(self, need: Self) -> u128 {
        let part = |asked: u64, all: u64| (HOST * u128::from(asked)).div_ceil(u128::from(all.max(1)));
        let slots = HOST.div_ceil(self.slots.max(1) as u128);
        slots.max(part(need.memory_bytes, self.memory_bytes)).max(part(need.cpu_millis, self.cpu_millis))
    }

    pub(crate) fn take(&mut self, need: Self) {
        self.slots += need.slots;
        self.memory_bytes += need.memory_bytes;
        self.cpu_millis += need.cpu_millis;
    }

    pub(crate) fn give_back(&mut self, need: Self) {
        *self = self.without(need);
    }

    pub(crate) fn without(self, used: Self) -> Self {
        Self {
            slots: self.slots - used.slots,
            memory_bytes: self.memory_bytes - used.memory_bytes,
            cpu_millis: self.cpu_millis - used.cpu_millis,
        }
    }
}
