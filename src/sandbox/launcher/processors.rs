//! Which processors a job's programs are confined to, so that they count as many as they may use.
//!
//! Only where that is fewer than there are. The limit itself is the cgroup's: here jobs are only kept from piling up on
//! one processor while another is idle. A sandbox made ahead is on its first processor already, because to be moved
//! costs a program more than 40 us, and on a busy host milliseconds.

use crate::plan::LaunchPlan;

#[derive(Debug)]
pub(super) struct Processors {
    /// With the thousandths of each that running jobs may use; of those used alike, the next to be taken is first.
    all: Vec<(u16, u64)>,
}

/// One job's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    /// In their order.
    pub(super) numbers: Vec<u16>,
    thousandths: u64,
}

impl Processors {
    pub(super) fn new(numbers: &[u16]) -> Self {
        Self { all: numbers.iter().map(|number| (*number, 0)).collect() }
    }

    /// For a sandbox that has no job yet; `None` where there is nothing to choose from.
    pub(super) fn next(&mut self) -> Option<u16> {
        let least = self.all.iter().map(|(_, used)| *used).min()?;
        let index = self.all.iter().position(|(_, used)| *used == least).filter(|_| self.all.len() > 1)?;
        let next = self.all.remove(index);
        self.all.push(next);
        Some(next.0)
    }

    /// How much of this one is in use.
    pub(super) fn used(&self, number: Option<u16>) -> u64 {
        self.all.iter().find(|(other, _)| Some(*other) == number).map_or(0, |(_, used)| *used)
    }

    /// For the job of a sandbox that is on `first`.
    pub(super) fn take(&mut self, plan: &LaunchPlan, first: Option<u16>) -> Share {
        let count = plan.view.processors.and_then(|count| usize::try_from(count).ok());
        let cpus = plan.steps.iter().filter_map(|step| step.cgroup.cpus).fold(0.0, f64::max);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates; limits are positive"
        )]
        let thousandths = (cpus * 1000.0) as u64;
        self.least_used(count.unwrap_or(usize::MAX), thousandths, first)
    }

    fn least_used(&mut self, count: usize, thousandths: u64, first: Option<u16>) -> Share {
        let confined = count < self.all.len();
        let thousandths = if confined { thousandths / u64::try_from(count).unwrap_or(1).max(1) } else { 0 };
        self.all.sort_by_key(|(number, used)| (Some(*number) != first, *used));
        let share = self.all.iter_mut().take(count);
        let mut numbers: Vec<u16> = share
            .map(|(number, used)| {
                *used += thousandths;
                *number
            })
            .collect();
        numbers.sort_unstable();
        Share { numbers, thousandths }
    }

    pub(super) fn give_back(&mut self, share: &Share) {
        let of_share = self.all.iter_mut().filter(|(number, _)| share.numbers.contains(number));
        of_share.for_each(|(_, used)| *used = used.saturating_sub(share.thousandths));
    }
}

#[cfg(test)]
mod tests {
    use super::Processors;

    #[test]
    fn sandboxes_made_ahead_are_spread() {
        let mut processors = Processors::new(&[0, 1, 4]);
        assert_eq!([processors.next(), processors.next(), processors.next()], [Some(0), Some(1), Some(4)]);
        let first = processors.next();
        let share = processors.least_used(1, 1000, first);
        assert_eq!(share.numbers, [0]);
        for _ in 0..4 {
            assert_ne!(processors.next(), Some(0), "the one in use");
        }
        assert_eq!((processors.used(Some(0)), processors.used(Some(1)), processors.used(None)), (1000, 0, 0));
        processors.give_back(&share);
        assert_eq!(processors.used(Some(0)), 0);
        assert_eq!(Processors::new(&[3]).next(), None);
    }

    #[test]
    fn a_larger_job_gets_the_first_and_those_that_others_use_least() {
        let mut processors = Processors::new(&[0, 1, 2, 3]);
        let others = [processors.least_used(1, 1000, Some(0)), processors.least_used(1, 500, Some(1))];
        let two = processors.least_used(2, 1500, Some(3));
        assert_eq!(two.numbers, [2, 3]);
        assert_eq!(processors.used(Some(2)), 750);
        let three = processors.least_used(3, 3000, Some(0));
        assert!(three.numbers.contains(&0) && three.numbers.contains(&1), "{three:?}");
        for share in others.iter().chain([&two, &three]) {
            processors.give_back(share);
        }
        assert!((0..4).all(|number| processors.used(Some(number)) == 0), "{processors:?}");
    }

    #[test]
    fn a_job_that_may_use_all_is_not_confined_and_counts_nowhere() {
        let mut processors = Processors::new(&[0, 1]);
        let share = processors.least_used(2, 2000, Some(1));
        assert_eq!((share.numbers.as_slice(), share.thousandths), ([0, 1].as_slice(), 0));
        assert_eq!(processors.least_used(usize::MAX, 0, None).numbers, [0, 1]);
    }
}
