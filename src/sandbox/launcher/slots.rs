//! Numbers of places for jobs, each standing for a host user id.

use std::collections::BTreeSet;

/// The lowest free number first: ids that were used lately stay few.
#[derive(Debug)]
pub(super) struct Slots {
    /// Given back, all below `next`.
    free: BTreeSet<u32>,
    next: u32,
    end: u32,
}

impl Slots {
    pub(super) fn new(count: u32) -> Self {
        Self { free: BTreeSet::new(), next: 0, end: count }
    }

    pub(super) fn take(&mut self) -> Option<u32> {
        self.free.pop_first().or_else(|| {
            let fresh = (self.next < self.end).then_some(self.next)?;
            self.next += 1;
            Some(fresh)
        })
    }

    pub(super) fn give_back(&mut self, number: u32) {
        self.free.insert(number);
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn no_number_is_out_twice_and_the_lowest_comes_first() {
        let mut slots = Slots::new(3);
        assert_eq!(
            [slots.take(), slots.take(), slots.take(), slots.take()],
            [Some(0), Some(1), Some(2), None]
        );
        slots.give_back(2);
        slots.give_back(0);
        assert_eq!([slots.take(), slots.take(), slots.take()], [Some(0), Some(2), None]);
    }
}
