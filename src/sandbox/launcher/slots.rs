//! Numbers of places for jobs, each standing for a host user id.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The lowest free number first: ids that were used lately stay few.
#[derive(Debug)]
pub(super) struct Slots {
    /// Given back, all below `next`.
    free: BTreeSet<u32>,
    next: u32,
    end: u32,
    /// Never handed out.
    barred: BTreeSet<u32>,
    /// How many have a number beside its first holder.
    shared: BTreeMap<u32, u32>,
}

impl Slots {
    pub(super) fn new(Range { start, end }: Range<u32>, barred: impl IntoIterator<Item = u32>) -> Self {
        let barred = barred.into_iter().collect();
        Self { free: BTreeSet::new(), next: start, end, barred, shared: BTreeMap::new() }
    }

    pub(super) fn take(&mut self) -> Option<u32> {
        self.free.pop_first().or_else(|| {
            let fresh = (self.next..self.end).find(|number| !self.barred.contains(number))?;
            self.next = fresh + 1;
            Some(fresh)
        })
    }

    /// Once more a number that is out.
    pub(super) fn share(&mut self, number: u32) {
        *self.shared.entry(number).or_default() += 1;
    }

    /// Free once as many times as it was handed out.
    pub(super) fn give_back(&mut self, number: u32) {
        match self.shared.get_mut(&number) {
            None => drop(self.free.insert(number)),
            Some(1) => drop(self.shared.remove(&number)),
            Some(others) => *others -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn no_number_is_out_twice_and_the_lowest_comes_first() {
        let mut slots = Slots::new(0..3, []);
        assert_eq!(
            [slots.take(), slots.take(), slots.take(), slots.take()],
            [Some(0), Some(1), Some(2), None]
        );
        slots.give_back(2);
        slots.give_back(0);
        assert_eq!([slots.take(), slots.take(), slots.take()], [Some(0), Some(2), None]);
    }

    #[test]
    fn what_the_dead_hold_is_nobody_elses() {
        let mut slots = Slots::new(4..9, [4, 5, 7, 70]);
        assert_eq!([slots.take(), slots.take(), slots.take()], [Some(6), Some(8), None]);
        slots.give_back(6);
        assert_eq!([slots.take(), slots.take()], [Some(6), None]);
    }

    #[test]
    fn a_shared_number_is_free_when_the_last_has_given_it_back() {
        let mut slots = Slots::new(0..2, []);
        assert_eq!(slots.take(), Some(0));
        slots.share(0);
        slots.share(0);
        slots.give_back(0);
        slots.give_back(0);
        assert_eq!([slots.take(), slots.take()], [Some(1), None]);
        slots.give_back(0);
        assert_eq!(slots.take(), Some(0));
    }
}
