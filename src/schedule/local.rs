//! The queue of one machine, in memory: the rules of [`Core`] under one lock, with wake-ups and deadlines.

mod ticket;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backend::{Backend, Drained, Extra, Lease, Seat, Ticket};
use crate::queue::{Core, Demand, Number};
use crate::room::Room;
use crate::{Ask, Capacity, Load, Quotas, Refused};

#[derive(Clone, Debug)]
pub struct Local {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    start: Instant,
    /// Told when the queue stops and nothing waits or is held.
    idle: Notify,
}

#[derive(Debug)]
struct State {
    core: Core,
    /// Of tickets that were asked and had to wait.
    wakers: HashMap<Number, Waker>,
}

/// What a lease holds, or an extra.
#[derive(Debug)]
struct Held {
    shared: Arc<Shared>,
    number: Number,
}

#[derive(Debug)]
struct Sitting {
    shared: Arc<Shared>,
    tenant: String,
    memory_bytes: u64,
    stood: bool,
}

impl Local {
    pub fn new(capacity: Capacity, quotas: Quotas) -> Self {
        let state = State { core: Core::new(capacity, quotas), wakers: HashMap::new() };
        let shared = Shared { state: Mutex::new(state), start: Instant::now(), idle: Notify::new() };
        Self { shared: Arc::new(shared) }
    }
}

impl Backend for Local {
    fn submit_seated(&self, ask: Ask, seat: Option<Seat>) -> Result<Ticket, Refused> {
        let Ask { id, tenant, priority, memory_bytes, cpu_millis, deadline, counted } = ask;
        let need = Room::of_sandbox(memory_bytes, cpu_millis);
        let demand = Demand { tenant: &tenant, priority, need, counted };
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(ticket::too_late(id));
        }
        let seat = seat.and_then(Seat::into_held::<Sitting>);
        let (number, starts) = self.shared.change(|State { core, .. }, now| {
            if let Some(mut seat) = seat.filter(|seat| Arc::ptr_eq(&seat.shared, &self.shared)) {
                seat.stand(core);
            }
            let number = core.submit(demand, now)?;
            Ok((number, core.holds(number)))
        })?;
        let held = Held { shared: Arc::clone(&self.shared), number };
        Ok(if starts { ticket::ready(id, held) } else { ticket::waiting(id, held, deadline) })
    }

    fn room(&self, tenant: &str) -> Result<(), Refused> {
        self.shared.lock().core.room(tenant, self.shared.now())
    }

    fn more(&self, lease: &Lease, memory_bytes: u64, cpu_millis: u64) -> Option<Extra> {
        let held: &Held = lease.held()?;
        if !Arc::ptr_eq(&held.shared, &self.shared) {
            return None;
        }
        let need = Room::of_sandbox(memory_bytes, cpu_millis);
        let number = self.shared.lock().core.more(held.number, need)?;
        Some(Extra::new(Held { shared: Arc::clone(&self.shared), number }))
    }

    fn load(&self) -> Load {
        self.shared.lock().core.load(self.shared.now())
    }

    fn seat(&self, tenant: &str, memory_bytes: u64) -> Seat {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        let before = state.core.load(shared.now());
        state.core.sit(tenant, memory_bytes, shared.now());
        drop(state);
        Seat::new(before, Sitting { shared, tenant: tenant.to_owned(), memory_bytes, stood: false })
    }

    fn set_quotas(&self, quotas: Quotas) {
        self.shared.change(|state, now| state.core.set_quotas(quotas, now));
    }

    fn drain(&self) -> Drained {
        self.shared.change(|state, _| state.core.stop());
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let mut told = Box::pin(shared.idle.notified());
            loop {
                // Before the look, so that an end between look and wait is not missed.
                told.as_mut().enable();
                if shared.lock().core.is_idle() {
                    return;
                }
                told.as_mut().await;
                told.set(shared.idle.notified());
            }
        })
    }
}

impl Shared {
    /// The one way to change the queue: whoever starts by it is woken, and whoever waits for the end is told.
    fn change<T>(&self, change: impl FnOnce(&mut State, Duration) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state, self.now());
        let State { core, wakers } = &mut *state;
        let woken: Vec<Waker> =
            core.take_granted().into_iter().filter_map(|number| wakers.remove(&number)).collect();
        let idle = core.is_stopping() && core.is_idle();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
        if idle {
            self.idle.notify_waiters();
        }
        result
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics halfway, so there is nothing to be found half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let waker = self.shared.change(|state, now| {
            state.core.leave(self.number, now);
            state.wakers.remove(&self.number)
        });
        // Not under the lock: a waker may be the last of what it wakes, and that may hold a ticket.
        drop(waker);
    }
}

impl Sitting {
    fn stand(&mut self, core: &mut Core) {
        core.stand(&self.tenant, self.memory_bytes);
        self.stood = true;
    }
}

impl Drop for Sitting {
    fn drop(&mut self) {
        if !self.stood {
            let shared = Arc::clone(&self.shared);
            self.stand(&mut shared.lock().core);
        }
    }
}

#[cfg(test)]
mod tests;
