//! Who starts next.

use std::sync::Arc;
use std::time::Duration;

use super::{Core, Held, Waiting};
use crate::room::Room;

/// How many jobs may start before the heads of a tenant that do not fit, until it has its share again. Few enough that large
/// jobs wait for little more than what runs already, and enough that a host is not left idle for each of them.
pub(crate) const OVERTAKES: u32 = 8;
/// How many tenants are looked at for a job that fits, so that no turn takes long. Whoever is behind them has a later turn.
const LOOK: usize = 32;

impl Core {
    /// Starts whoever may, so that nobody is left who could have started. To be called after each change.
    pub(super) fn pump(&mut self, now: Duration) {
        while let Some(tenant) = self.next() {
            self.grant(&tenant, now);
        }
    }

    /// Whose head is to start now. Those that it passes over have been overtaken once more.
    fn next(&mut self) -> Option<Arc<str>> {
        let free = Room::of_host(&self.capacity).without(self.used);
        if free.slots == 0 {
            return None;
        }
        let mut passed = Vec::new();
        for name in self.ring.iter().take(LOOK) {
            let tenant = self.tenants.get(name)?;
            let head = self.waiting.get(&tenant.line.head()?)?;
            if free.holds(head.need) {
                let next = Arc::clone(name);
                for name in passed {
                    if let Some(tenant) = self.tenants.get_mut::<Arc<str>>(name) {
                        tenant.overtaken += 1;
                    }
                }
                return Some(next);
            }
            if tenant.overtaken >= OVERTAKES {
                return None;
            }
            passed.push(name);
        }
        None
    }

    fn grant(&mut self, name: &Arc<str>, now: Duration) {
        let Some(tenant) = self.tenants.get_mut(name) else { return };
        let Some(number) = tenant.line.head() else { return };
        let Some(Waiting { tenant: _, priority, need }) = self.waiting.remove(&number) else { return };
        tenant.line.remove(priority, number);
        tenant.running += 1;
        tenant.used.take(need);
        tenant.started.add(now);
        tenant.pay(Room::of_host(&self.capacity).share(need), &mut self.ring);
        if tenant.turn >= self.ring.round() {
            tenant.overtaken = 0;
        }
        tenant.settle(name, &mut self.ring);
        self.used.take(need);
        self.started.add(now);
        self.held.insert(number, Held { tenant: Arc::clone(name), need, extra: false });
        self.granted.push(number);
    }
}
