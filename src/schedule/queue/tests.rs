mod fairness;
mod naive;
mod random;
mod rules;

use super::turn::OVERTAKES;
use super::*;
use crate::{Quota, Reason};

const NOW: Duration = Duration::ZERO;
const NOBODY: [Number; 0] = [];

fn host(slots: usize, memory_bytes: u64, cpu_millis: u64) -> Capacity {
    Capacity { slots, memory_bytes, cpu_millis, max_queued: 100_000 }
}

fn only(default: Quota) -> Quotas {
    Quotas { default, tenants: BTreeMap::new() }
}

fn weighted(tenants: &[(&str, u32)]) -> Quotas {
    let one =
        |(name, weight): &(&str, u32)| ((*name).to_owned(), Quota { weight: *weight, ..Quota::default() });
    Quotas { default: Quota::default(), tenants: tenants.iter().map(one).collect() }
}

fn small(tenant: &str) -> Demand<'_> {
    needs(tenant, 1)
}

fn needs(tenant: &str, memory_bytes: u64) -> Demand<'_> {
    Demand { tenant, priority: 0, need: Room::of_sandbox(memory_bytes, 0), counted: true }
}

impl Core {
    /// Submits one that must be taken in.
    fn put(&mut self, demand: Demand<'_>) -> Number {
        self.submit(demand, NOW).expect("it is taken in")
    }

    fn end(&mut self, number: Number) -> Vec<Number> {
        self.take_granted();
        self.leave(number, NOW);
        self.take_granted()
    }
}

/// splitmix64, so that a failure comes again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[usize::try_from(self.roll(from.len() as u64)).expect("an index")]
    }
}
