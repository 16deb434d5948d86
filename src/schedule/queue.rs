//! The rules, without clocks, threads or wake-ups: time is passed in, and who may start is noted down for whoever asked.
//!
//! What always holds: what is held together is never more than the host. No tenant runs more jobs than its quota says.
//! Within one tenant jobs start in the order of their line: a head that does not fit is waited for, so that small jobs do
//! not starve a large one. Between tenants the ring says whose turn it is; one whose head does not fit is passed over, but
//! by no more than [`turn::OVERTAKES`] jobs until it has its share again: then everybody waits until there is room for it. A job
//! that fits, and that nothing of this keeps back, has started.

mod line;
mod pace;
mod refuse;
mod ring;
mod tenant;
mod turn;
mod window;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::room::Room;
use crate::{Capacity, Load, Quotas, Refused, TenantLoad};
use ring::Ring;
use tenant::Tenant;
use window::Window;

/// One ticket, lease or extra. Never used twice.
pub(crate) type Number = u64;

/// Tenants that are remembered before any is forgotten.
const FEW_TENANTS: usize = 64;

/// A job as the rules see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) priority: i32,
    pub(crate) need: Room,
    pub(crate) counted: bool,
}

#[derive(Debug)]
struct Waiting {
    tenant: Arc<str>,
    priority: i32,
    need: Room,
}

#[derive(Debug)]
struct Held {
    tenant: Arc<str>,
    need: Room,
    /// A further lane of a job that runs: not a job of its own.
    extra: bool,
}

#[derive(Debug)]
pub(crate) struct Core {
    capacity: Capacity,
    quotas: Quotas,
    tenants: BTreeMap<Arc<str>, Tenant>,
    /// When there are more, the idle ones are forgotten.
    most_tenants: usize,
    ring: Ring,
    waiting: HashMap<Number, Waiting>,
    held: HashMap<Number, Held>,
    used: Room,
    started: Window,
    last: Number,
    granted: Vec<Number>,
    stopping: bool,
}

impl Core {
    pub(crate) fn new(capacity: Capacity, quotas: Quotas) -> Self {
        Self {
            capacity,
            quotas,
            tenants: BTreeMap::new(),
            most_tenants: FEW_TENANTS,
            ring: Ring::default(),
            waiting: HashMap::new(),
            held: HashMap::new(),
            used: Room::default(),
            started: Window::default(),
            last: 0,
            granted: Vec::new(),
            stopping: false,
        }
    }

    /// Who started since this was last called. To be called after anything that changes the queue.
    pub(crate) fn take_granted(&mut self) -> Vec<Number> {
        std::mem::take(&mut self.granted)
    }

    pub(crate) fn holds(&self, number: Number) -> bool {
        self.held.contains_key(&number)
    }

    pub(crate) fn position(&self, number: Number) -> Option<usize> {
        let Waiting { tenant, priority, .. } = self.waiting.get(&number)?;
        self.tenants.get(tenant)?.line.position(*priority, number)
    }

    /// Whether a job waits that only room keeps from starting.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.ring.is_empty()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.held.is_empty()
    }

    pub(crate) fn stop(&mut self) {
        self.stopping = true;
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }

    pub(crate) fn submit(&mut self, demand: Demand<'_>, now: Duration) -> Result<Number, Refused> {
        let Demand { tenant, priority, need, counted } = demand;
        if let Some(reason) = Room::of_host(&self.capacity).too_small_for(need) {
            return Err(Refused { reason, retry_after: Duration::ZERO });
        }
        self.open(tenant, counted, now)?;
        let name = self.meet(tenant, now);
        let number = self.number();
        let waiting = Waiting { tenant: Arc::clone(&name), priority, need };
        self.waiting.insert(number, waiting);
        self.at(&name, |tenant| tenant.line.push(priority, number));
        self.pump(now);
        if counted {
            // Only one that must wait takes up a place in the queue, and whether it must is known now.
            if self.waiting.contains_key(&number)
                && let Some(refused) = self.overfull(tenant, 0, now)
            {
                self.leave(number, now);
                return Err(refused);
            }
            self.at(&name, |tenant| tenant.accepted.add(now));
        }
        Ok(number)
    }

    /// It no longer waits, or gives back what it held.
    pub(crate) fn leave(&mut self, number: Number, now: Duration) {
        if let Some(Waiting { tenant, priority, .. }) = self.waiting.remove(&number) {
            self.at(&tenant, |tenant| tenant.line.remove(priority, number));
        } else if let Some(Held { tenant, need, extra }) = self.held.remove(&number) {
            self.used.give_back(need);
            self.at(&tenant, |tenant| {
                tenant.used.give_back(need);
                tenant.running -= u32::from(!extra);
            });
        }
        self.pump(now);
    }

    /// Leaves if it still waits, which is told.
    pub(crate) fn expire(&mut self, number: Number, now: Duration) -> bool {
        let waits = self.waiting.contains_key(&number);
        if waits {
            self.leave(number, now);
        }
        waits
    }

    /// A further lane of what `of` holds, from room that nobody waits for.
    pub(crate) fn more(&mut self, of: Number, need: Room) -> Option<Number> {
        let tenant = Arc::clone(&self.held.get(&of)?.tenant);
        let host = Room::of_host(&self.capacity);
        if self.is_wanted() || !host.without(self.used).holds(need) {
            return None;
        }
        let share = host.share(need);
        self.used.take(need);
        if let Some(tenant) = self.tenants.get_mut(&tenant) {
            tenant.used.take(need);
            // Nobody is in the ring, so nothing else changes.
            tenant.pay(share, &mut self.ring);
        }
        let number = self.number();
        self.held.insert(number, Held { tenant, need, extra: true });
        Some(number)
    }

    pub(crate) fn sit(&mut self, tenant: &str, memory_bytes: u64, now: Duration) {
        let name = self.meet(tenant, now);
        if let Some(tenant) = self.tenants.get_mut(&name) {
            tenant.seats += 1;
            tenant.seat_bytes = tenant.seat_bytes.saturating_add(memory_bytes);
        }
    }

    pub(crate) fn stand(&mut self, tenant: &str, memory_bytes: u64) {
        if let Some(tenant) = self.tenants.get_mut(tenant) {
            tenant.seats -= 1;
            // Of seats too large to be added up nothing is left over when the last is gone.
            let left = tenant.seat_bytes.saturating_sub(memory_bytes);
            tenant.seat_bytes = if tenant.seats == 0 { 0 } else { left };
        }
    }

    pub(crate) fn set_quotas(&mut self, quotas: Quotas, now: Duration) {
        for (name, tenant) in &mut self.tenants {
            tenant.quota = quotas.of(name);
            tenant.settle(name, &mut self.ring);
        }
        self.quotas = quotas;
        self.pump(now);
    }

    pub(crate) fn load(&self, now: Duration) -> Load {
        let slots = Room::of_host(&self.capacity).slots;
        let mut free = u32::try_from(slots - self.used.slots).unwrap_or(u32::MAX);
        let mut total = TenantLoad::default();
        let mut tenants = BTreeMap::new();
        for (name, tenant) in &self.tenants {
            let load = tenant.load(free, now);
            free -= tenant.starting(free);
            if load != TenantLoad::default() {
                total.add(load);
                tenants.insert(name.to_string(), load);
            }
        }
        Load { tenants, total, capacity: self.capacity }
    }
}

impl Core {
    fn number(&mut self) -> Number {
        self.last += 1;
        self.last
    }

    fn at(&mut self, name: &Arc<str>, change: impl FnOnce(&mut Tenant)) {
        if let Some(tenant) = self.tenants.get_mut(name) {
            change(tenant);
            tenant.settle(name, &mut self.ring);
        }
    }

    /// The tenant by its one name, known from now on.
    fn meet(&mut self, tenant: &str, now: Duration) -> Arc<str> {
        if let Some((name, _)) = self.tenants.get_key_value(tenant) {
            return Arc::clone(name);
        }
        if self.tenants.len() >= self.most_tenants {
            self.tenants.retain(|_, tenant| !tenant.is_idle(now));
            self.most_tenants = FEW_TENANTS.max(2 * self.tenants.len());
        }
        let name: Arc<str> = tenant.into();
        self.tenants.insert(Arc::clone(&name), Tenant::new(self.quotas.of(tenant)));
        name
    }
}

#[cfg(test)]
mod tests;
