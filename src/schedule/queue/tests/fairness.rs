use std::collections::{BTreeSet, VecDeque};

use super::*;
use crate::room::HOST;

/// Runs what there is to run: the longest-held job ends, and its tenant sends another like it. Returns what each tenant
/// got of the host.
fn backlogged(core: &mut Core, sizes: &[(&'static str, u64)], jobs: usize) -> BTreeMap<&'static str, u128> {
    let host = Room::of_host(&core.capacity);
    let mut owner = HashMap::new();
    for (tenant, size) in sizes {
        for _ in 0..jobs {
            owner.insert(core.put(needs(tenant, *size)), (*tenant, *size));
        }
    }
    let mut got: BTreeMap<_, u128> = sizes.iter().map(|(tenant, _)| (*tenant, 0)).collect();
    let mut running: VecDeque<_> = core.take_granted().into();
    // The first filled an empty host before the others had come.
    let mut counted = 0;
    while counted < jobs {
        let number = running.pop_front().expect("a job runs");
        for number in core.end(number) {
            let (tenant, size) = owner[&number];
            *got.get_mut(tenant).expect("known") += host.share(Room::of_sandbox(size, 0));
            running.push_back(number);
            counted += 1;
        }
    }
    got
}

#[test]
fn tenants_get_the_same_however_large_their_jobs() {
    let mut core = Core::new(host(10, 100, 0), Quotas::default());
    let got = backlogged(&mut core, &[("a", 10), ("b", 20), ("c", 10)], 3_000);
    let (least, most) = (got.values().min().expect("three"), got.values().max().expect("three"));
    // What the first had started alone, and how often the large jobs may be overtaken: constant, whatever the number of jobs.
    let overtaken = u128::from(OVERTAKES) * HOST / 10;
    assert!(most - least <= HOST + overtaken, "{got:?}");
}

#[test]
fn tenants_get_by_weight() {
    let mut core = Core::new(host(4, 100, 0), weighted(&[("a", 1), ("b", 3)]));
    let got = backlogged(&mut core, &[("a", 1), ("b", 1)], 4_000);
    let (a, b) = (got["a"] / HOST, got["b"] / HOST);
    assert!(a.abs_diff(250) <= 1 && b.abs_diff(750) <= 1, "{a} and {b} hosts");
}

/// For random sizes and weights: while both have jobs that wait and fit, no tenant is ahead of another by more than one
/// job of each.
#[test]
fn the_bound_of_the_ring_holds() {
    for seed in 0..100 {
        let mut dice = Dice(seed);
        let weights = [(); 3].map(|()| 1 + dice.roll(5));
        let names = ["a", "b", "c"];
        let weight = |at: usize| (names[at], u32::try_from(weights[at]).expect("small"));
        // One slot, so that whatever comes next fits.
        let mut core = Core::new(host(1, 1_000, 1_000), weighted(&[weight(0), weight(1), weight(2)]));
        let mut running = core.put(small("first"));
        let mut cost = HashMap::new();
        for (at, tenant) in names.into_iter().enumerate() {
            for _ in 0..200 {
                let need = Room::of_sandbox(dice.roll(1_001), dice.roll(1_001));
                let number = core.put(Demand { need, ..small(tenant) });
                cost.insert(number, (at, Room::of_host(&core.capacity).share(need)));
            }
        }
        let mut got = [0_u128; 3];
        for _ in 0..200 {
            running = core.end(running)[0];
            let (at, share) = cost[&running];
            got[at] += share / u128::from(weights[at]);
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                let bound = HOST / u128::from(weights[one]) + HOST / u128::from(weights[other]);
                assert!(got[one].abs_diff(got[other]) <= bound + 1_000, "seed {seed}: {got:?}");
            }
        }
    }
}

#[test]
fn no_credit_is_saved_up_while_there_is_nothing_to_run() {
    let mut core = Core::new(host(1, 100, 0), Quotas::default());
    let mut running = core.put(small("b"));
    core.leave(running, NOW);
    running = core.put(small("a"));
    for _ in 0..500 {
        core.put(small("a"));
    }
    for _ in 0..250 {
        running = core.end(running)[0];
    }
    let late: Vec<_> = (0..100).map(|_| core.put(small("b"))).collect();
    let mut of_b = 0;
    for _ in 0..20 {
        running = core.end(running)[0];
        of_b += usize::from(late.contains(&running));
    }
    assert_eq!(of_b, 10, "of twenty jobs that started since");
}

/// In units of one job's length: A floods, and B sends its next job when the one before has ended.
#[test]
fn a_flood_delays_others_by_no_more_than_one_job() {
    for slots in [1, 2, 5] {
        let mut core = Core::new(host(slots, 100, 0), Quotas::default());
        let mut ends: BTreeSet<(u64, Number)> = BTreeSet::new();
        let length = 1_000;
        let mut now = 0;
        for nth in 0..1_000_u64 {
            core.put(small("a"));
            // Those that start at once do not all end at once.
            for number in core.take_granted() {
                ends.insert((length + nth * length / slots as u64, number));
            }
        }
        let mut sent = Some((core.put(small("b")), now));
        let (mut waits, mut own) = (Vec::new(), Vec::new());
        while waits.len() < 100 {
            let (at, ended) = ends.pop_first().expect("a job runs");
            now = at;
            for started in core.end(ended) {
                ends.insert((now + length, started));
                if let Some((_, since)) = sent.take_if(|(number, _)| *number == started) {
                    waits.push(now - since);
                    own.push(started);
                }
            }
            if own.contains(&ended) {
                sent = Some((core.put(small("b")), now));
                // It may have started at once, in the place of the one before.
                if core.take_granted().is_empty() {
                    continue;
                }
                panic!("the flood left a slot free");
            }
        }
        waits.sort_unstable();
        assert!(waits[99] <= length, "with {slots} slots it waited up to {} of {length}", waits[99]);
    }
}

#[test]
fn a_large_job_blocks_smaller_ones_of_its_own_tenant() {
    let mut core = Core::new(host(10, 100, 0), Quotas::default());
    let running = core.put(needs("a", 50));
    let large = core.put(needs("a", 80));
    let smaller = core.put(needs("a", 10));
    assert_eq!(core.take_granted(), [running]);
    assert_eq!(core.end(running), [large, smaller]);
}

#[test]
fn a_large_job_is_overtaken_only_so_often() {
    let mut core = Core::new(host(100, 100, 0), Quotas::default());
    let keeps = core.put(needs("a", 50));
    let large = core.put(needs("b", 90));
    core.take_granted();
    // Small jobs come for ever, and there is always room for one.
    let mut overtook = 0;
    let mut running = Vec::new();
    for _ in 0..1_000 {
        core.put(needs("c", 5));
        running.append(&mut core.take_granted());
        if let Some(number) = running.pop() {
            overtook += 1;
            running.append(&mut core.end(number));
        }
    }
    assert_eq!(overtook, OVERTAKES);
    assert!(running.is_empty(), "the rest waits behind it");
    let started = core.end(keeps);
    assert_eq!(started.first(), Some(&large));
    assert_eq!(started.len(), 3, "with two of 5 beside its 90 of 100");
}

#[test]
fn whoever_was_kept_back_goes_on_when_the_large_job_gives_up() {
    let mut core = Core::new(host(100, 100, 0), Quotas::default());
    core.put(needs("a", 50));
    let large = core.put(needs("b", 90));
    for _ in 0..OVERTAKES {
        let number = core.put(needs("c", 1));
        core.leave(number, NOW);
    }
    let kept_back = core.put(needs("c", 1));
    assert!(!core.holds(kept_back));
    assert_eq!(core.end(large), [kept_back]);
}

#[test]
fn of_more_tenants_than_are_looked_at_each_has_its_turn() {
    let mut dice = Dice(1);
    let mut core = Core::new(host(10, 100, 0), Quotas::default());
    let mut running = Vec::new();
    for nth in 0..500 {
        core.put(needs(&format!("tenant {}", nth % 100), 1 + dice.roll(100)));
        running.append(&mut core.take_granted());
    }
    let mut ended = 0;
    while let Some(number) = running.pop() {
        running.append(&mut core.end(number));
        ended += 1;
    }
    assert_eq!(ended, 500);
    assert!(core.is_idle());
}
