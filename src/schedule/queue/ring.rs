//! Whose turn it is: deficit round robin, in the form that pays afterwards.
//!
//! In every round each tenant earns its weight. A tenant that is not in debt may start its next job, whose cost becomes its
//! debt, so `turn`, the round in which that is paid off, says all there is to know of it. Rounds are counted, not walked:
//! the next round that matters is the smallest `turn`. Who has no job to start earns nothing, and keeps its debt: it comes
//! back in the round that is now, or in its own when that is later, before all who have been served since. One who sends
//! a job now and then therefore waits for no more than what already runs.
//!
//! With jobs that always fit, what two tenants got by weight, while both had jobs waiting, is never further apart than one
//! job of each. (M. Shreedhar and G. Varghese, Efficient fair queueing using deficit round robin, 1995; H. Adiseshu,
//! G. Parulkar and G. Varghese, A reliable and scalable striping protocol, 1996, for paying afterwards.)

use std::collections::BTreeSet;
use std::sync::Arc;

/// The round, and who came first of those with the same one.
pub(super) type Place = (u128, u64);

#[derive(Debug, Default)]
pub(super) struct Ring {
    order: BTreeSet<(Place, Arc<str>)>,
    /// The latest in which a job was started.
    round: u128,
    stamp: u64,
}

impl Ring {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    pub(super) fn round(&self) -> u128 {
        self.round
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.order.iter().map(|(_, tenant)| tenant)
    }

    pub(super) fn enter(&mut self, tenant: &Arc<str>, turn: u128) -> Place {
        self.stamp += 1;
        let place = (turn, self.stamp);
        self.order.insert((place, Arc::clone(tenant)));
        place
    }

    pub(super) fn leave(&mut self, tenant: &Arc<str>, place: Place) {
        self.order.remove(&(place, Arc::clone(tenant)));
    }

    pub(super) fn reached(&mut self, round: u128) {
        self.round = self.round.max(round);
    }
}
