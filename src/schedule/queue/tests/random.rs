//! Random operations on the queue and on the naive model at once: they must always agree, and what always holds must hold.

use std::collections::HashSet;

use super::naive::{Job, Naive};
use super::*;

const TENANTS: [&str; 5] = ["a", "b", "c", "d", "e"];

struct Pair {
    core: Core,
    naive: Naive,
    dice: Dice,
    /// How each job that was taken in has ended up: at most one of these, and in the end one.
    started: HashSet<Number>,
    left: HashSet<Number>,
    taken: u64,
}

impl Pair {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let slots = usize::try_from(1 + dice.roll(6)).expect("small");
        let capacity = Capacity {
            max_queued: usize::try_from(dice.roll(40)).expect("small"),
            ..host(slots, 1 + dice.roll(40), 1 + dice.roll(40))
        };
        let quotas = quotas(&mut dice);
        let (core, naive) = (Core::new(capacity, quotas.clone()), Naive::new(capacity, quotas));
        Self { core, naive, dice, started: HashSet::new(), left: HashSet::new(), taken: 0 }
    }

    fn operate(&mut self) {
        match self.dice.roll(20) {
            0..9 => self.submit(),
            9..16 => self.end_one(),
            16..18 => self.leave_one(),
            18 => self.more(),
            _ if self.dice.roll(20) == 0 => self.new_quotas(),
            _ => (),
        }
        self.check();
    }

    fn submit(&mut self) {
        let tenant = *self.dice.pick(&TENANTS);
        let capacity = self.naive.capacity;
        let need = Room::of_sandbox(
            self.dice.roll(capacity.memory_bytes + 2),
            self.dice.roll(capacity.cpu_millis + 2),
        );
        let priority = *self.dice.pick(&[-1, 0, 0, 0, 7]);
        let counted = self.dice.roll(10) > 0;
        let submitted = self.core.submit(Demand { tenant, priority, need, counted }, NOW);
        let reason = match submitted {
            Ok(number) => return self.enter(Job { number, tenant, priority, need, extra: false }),
            Err(refused) => refused.reason,
        };
        match reason {
            Reason::NeverFits { .. } => assert!(!Room::of_host(&capacity).holds(need)),
            Reason::QueueFull => assert!(counted && self.naive.waiting.len() >= capacity.max_queued),
            Reason::TenantQueued { max } => {
                let own = self.naive.waiting.iter().filter(|job| job.tenant == tenant).count();
                assert!(counted && own >= max as usize);
            }
            Reason::TenantPerMinute { .. } | Reason::Stopping => panic!("{reason}"),
        }
        // The model has it too for as long as it was there: it may have taken its tenant's place in the ring.
        self.naive.waiting.push(Job { number: Number::MAX, tenant, priority, need, extra: false });
        if Room::of_host(&capacity).holds(need) {
            self.naive.settle(tenant);
            assert_eq!(self.naive.pump(), NOBODY, "refused although it could have started");
        }
        self.naive.waiting.pop();
        if Room::of_host(&capacity).holds(need) {
            self.naive.settle(tenant);
        }
        self.agree();
    }

    fn enter(&mut self, job: Job) {
        assert!(Room::of_host(&self.naive.capacity).holds(job.need));
        self.taken += 1;
        let tenant = job.tenant;
        self.naive.waiting.push(job);
        self.naive.settle(tenant);
        self.agree();
    }

    fn end_one(&mut self) {
        if self.naive.held.is_empty() {
            return;
        }
        let at = self.dice.roll(self.naive.held.len() as u64);
        let job = self.naive.held.remove(usize::try_from(at).expect("an index"));
        self.naive.settle(job.tenant);
        self.core.leave(job.number, NOW);
        self.core.leave(job.number, NOW);
        self.agree();
    }

    /// Its ticket is dropped, or its deadline passes.
    fn leave_one(&mut self) {
        if self.naive.waiting.is_empty() {
            return;
        }
        let at = self.dice.roll(self.naive.waiting.len() as u64);
        let job = self.naive.waiting.remove(usize::try_from(at).expect("an index"));
        self.naive.settle(job.tenant);
        assert!(self.core.expire(job.number, NOW));
        assert!(!self.core.expire(job.number, NOW));
        assert!(self.left.insert(job.number));
        self.agree();
    }

    fn more(&mut self) {
        let Some(job) = self.naive.held.first() else { return };
        let (of, tenant) = (job.number, job.tenant);
        let need = Room::of_sandbox(self.dice.roll(5), self.dice.roll(5));
        let number = self.core.more(of, need);
        assert_eq!(number.is_some(), !self.naive.wanted() && self.naive.free().holds(need));
        let Some(number) = number else { return };
        self.naive.held.push(Job { number, tenant, priority: 0, need, extra: true });
        self.naive.pay(tenant, need);
        self.agree();
    }

    fn new_quotas(&mut self) {
        let quotas = quotas(&mut self.dice);
        self.core.set_quotas(quotas.clone(), NOW);
        self.naive.quotas = quotas;
        // In the order of their names, as the queue does it.
        for tenant in TENANTS {
            self.naive.settle(tenant);
        }
        self.agree();
    }

    /// Both start the same jobs, in the same order.
    fn agree(&mut self) {
        let started = self.naive.pump();
        assert_eq!(self.core.take_granted(), started);
        for number in started {
            assert!(self.started.insert(number), "{number} was started twice");
            assert!(!self.left.contains(&number), "{number} had left");
        }
    }

    /// What must hold whatever the rules say about turns.
    fn check(&self) {
        let host = Room::of_host(&self.naive.capacity);
        let mut used = Room::default();
        self.naive.held.iter().for_each(|job| used.take(job.need));
        assert!(host.holds(used), "more is held than there is: {used:?} of {host:?}");
        assert_eq!(used, self.core.used);
        assert_eq!(self.core.is_wanted(), self.naive.wanted());
        let load = self.core.load(NOW);
        for tenant in TENANTS {
            let told = load.tenants.get(tenant).copied().unwrap_or_default();
            let queued = self.naive.waiting.iter().filter(|job| job.tenant == tenant).count();
            assert_eq!((told.running, told.queued as usize), (self.naive.running(tenant), queued));
        }
        for job in &self.naive.waiting {
            let before = self.naive.waiting.iter().filter(|other| {
                other.tenant == job.tenant && (-other.priority, other.number) < (-job.priority, job.number)
            });
            assert_eq!(self.core.position(job.number), Some(before.count()));
        }
    }
}

fn quotas(dice: &mut Dice) -> Quotas {
    let mut quotas = Quotas::default();
    for tenant in TENANTS {
        let mut limit = || (dice.roll(3) == 0).then(|| 1 + u32::try_from(dice.roll(4)).expect("small"));
        let (max_running, max_queued) = (limit(), limit());
        let weight = u32::try_from(dice.roll(4)).expect("small");
        quotas.tenants.insert(tenant.into(), Quota { max_running, max_queued, max_per_minute: None, weight });
    }
    quotas
}

#[test]
fn does_what_the_naive_model_does() {
    for seed in 0..200 {
        let mut pair = Pair::new(seed);
        for _ in 0..400 {
            pair.operate();
        }
        // Nobody was forgotten: with room for all in the end, all that wait have their turn.
        while !pair.naive.held.is_empty() {
            pair.end_one();
            pair.check();
        }
        assert!(pair.naive.waiting.is_empty(), "seed {seed}: somebody waits for ever");
        assert!(pair.core.is_idle());
        let ended = pair.started.len() + pair.left.len();
        assert_eq!(ended as u64, pair.taken, "seed {seed}: each job ends in one way");
    }
}
