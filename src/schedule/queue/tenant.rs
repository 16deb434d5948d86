use std::sync::Arc;
use std::time::Duration;

use super::line::Line;
use super::ring::{Place, Ring};
use super::window::Window;
use crate::room::Room;
use crate::{Quota, TenantLoad};

#[derive(Debug, Default)]
pub(super) struct Tenant {
    pub(super) quota: Quota,
    pub(super) line: Line,
    pub(super) running: u32,
    /// By its running jobs and their further lanes.
    pub(super) used: Room,
    pub(super) seats: u32,
    pub(super) seat_bytes: u64,
    /// The round in which it is out of debt.
    pub(super) turn: u128,
    /// In the ring; there it is whenever only room keeps its head from starting.
    place: Option<Place>,
    /// Jobs of others that were started before its head because that did not fit, since it last had its share.
    pub(super) overtaken: u32,
    /// Jobs taken in, for the quota.
    pub(super) accepted: Window,
    pub(super) started: Window,
}

impl Tenant {
    pub(super) fn new(quota: Quota) -> Self {
        Self { quota, ..Self::default() }
    }

    /// Puts it where it belongs after anything about it changed.
    pub(super) fn settle(&mut self, name: &Arc<str>, ring: &mut Ring) {
        let ready = !self.line.is_empty() && self.may_run();
        match self.place {
            Some((turn, _)) if ready && turn == self.turn => return,
            Some(place) => ring.leave(name, place),
            None => self.turn = self.turn.max(ring.round()),
        }
        self.place = ready.then(|| ring.enter(name, self.turn));
        if self.line.is_empty() {
            self.overtaken = 0;
        }
    }

    pub(super) fn may_run(&self) -> bool {
        self.quota.max_running.is_none_or(|max| self.running < max)
    }

    /// It gets `share` of the host. Its debt is never more than what it got last.
    pub(super) fn pay(&mut self, share: u128, ring: &mut Ring) {
        self.turn = self.turn.max(if self.place.is_some() { 0 } else { ring.round() });
        ring.reached(self.turn);
        self.turn += share.div_ceil(u128::from(self.quota.weight.max(1)));
    }

    /// Whether next to nothing is lost when it is forgotten: what it owes for its last job, of a minute ago.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.line.is_empty()
            && self.running == 0
            && self.used == Room::default()
            && self.seats == 0
            && self.accepted.count(now) == 0
            && self.started.count(now) == 0
    }

    /// With at most `free` of its seats as jobs that run.
    pub(super) fn load(&self, free: u32, now: Duration) -> TenantLoad {
        let starting = self.starting(free);
        // Which of them start is not known, so all of them may.
        let starting_bytes = if starting > 0 { self.seat_bytes } else { 0 };
        let queued = u32::try_from(self.line.len()).unwrap_or(u32::MAX);
        TenantLoad {
            queued: queued.saturating_add(self.seats - starting),
            running: self.running.saturating_add(starting),
            reserved_memory_bytes: self.used.memory_bytes.saturating_add(starting_bytes),
            reserved_cpu_millis: self.used.cpu_millis,
            started_last_minute: self.started.count(now),
        }
    }

    /// How many of its seats are for jobs that would start at once, with so many slots free.
    pub(super) fn starting(&self, free: u32) -> u32 {
        if !self.line.is_empty() {
            return 0;
        }
        let own = self.quota.max_running.map_or(u32::MAX, |max| max.saturating_sub(self.running));
        self.seats.min(free).min(own)
    }
}
