//! The same rules once more, with lists that are walked: slow, and short enough to be read.

use super::*;

pub(super) struct Job {
    pub(super) number: Number,
    pub(super) tenant: &'static str,
    pub(super) priority: i32,
    pub(super) need: Room,
    /// A further lane of a running job.
    pub(super) extra: bool,
}

#[derive(Clone, Default)]
struct Account {
    turn: u128,
    overtaken: u32,
    /// Since when it is ready; `None` while nothing of it could start whatever the room.
    ready: Option<u64>,
}

pub(super) struct Naive {
    pub(super) capacity: Capacity,
    pub(super) quotas: Quotas,
    pub(super) waiting: Vec<Job>,
    pub(super) held: Vec<Job>,
    accounts: BTreeMap<&'static str, Account>,
    round: u128,
    stamp: u64,
}

impl Naive {
    pub(super) fn new(capacity: Capacity, quotas: Quotas) -> Self {
        let (waiting, held) = (Vec::new(), Vec::new());
        Self { capacity, quotas, waiting, held, accounts: BTreeMap::new(), round: 0, stamp: 0 }
    }

    pub(super) fn running(&self, tenant: &str) -> u32 {
        let own = self.held.iter().filter(|job| job.tenant == tenant && !job.extra);
        u32::try_from(own.count()).expect("few jobs")
    }

    pub(super) fn free(&self) -> Room {
        let used = self.held.iter().fold(Room::default(), |mut used, job| {
            used.take(job.need);
            used
        });
        Room::of_host(&self.capacity).without(used)
    }

    /// Where the job of this tenant is that goes first.
    pub(super) fn head(&self, tenant: &str) -> Option<usize> {
        let own = (0..self.waiting.len()).filter(|at| self.waiting[*at].tenant == tenant);
        own.min_by_key(|at| (-self.waiting[*at].priority, self.waiting[*at].number))
    }

    /// After any change: who is ready is so since now, and who is not is not.
    pub(super) fn settle(&mut self, tenant: &'static str) {
        let max = self.quotas.of(tenant).max_running.unwrap_or(u32::MAX);
        let waits = self.head(tenant).is_some();
        let ready = waits && self.running(tenant) < max;
        let account = self.accounts.entry(tenant).or_default();
        if ready && account.ready.is_none() {
            self.stamp += 1;
            account.ready = Some(self.stamp);
            account.turn = account.turn.max(self.round);
        }
        if !ready {
            account.ready = None;
        }
        if !waits {
            account.overtaken = 0;
        }
    }

    pub(super) fn wanted(&self) -> bool {
        self.accounts.values().any(|account| account.ready.is_some())
    }

    fn order(&self) -> Vec<&'static str> {
        let ready =
            self.accounts.iter().filter_map(|(name, account)| Some((account.turn, account.ready?, *name)));
        let mut ready: Vec<_> = ready.collect();
        ready.sort_unstable();
        ready.into_iter().map(|(_, _, name)| name).collect()
    }

    /// Starts whoever may, and says who did.
    pub(super) fn pump(&mut self) -> Vec<Number> {
        let mut started = Vec::new();
        'next: loop {
            let order = self.order();
            for (at, tenant) in order.iter().enumerate() {
                let head = self.head(tenant).expect("who is ready has a job");
                if self.free().holds(self.waiting[head].need) {
                    for passed in &order[..at] {
                        self.accounts.get_mut(passed).expect("known").overtaken += 1;
                    }
                    started.push(self.start(head));
                    continue 'next;
                }
                if self.accounts[tenant].overtaken >= OVERTAKES {
                    return started;
                }
            }
            return started;
        }
    }

    fn start(&mut self, at: usize) -> Number {
        let job = self.waiting.remove(at);
        let (tenant, number, need) = (job.tenant, job.number, job.need);
        self.held.push(job);
        self.pay(tenant, need);
        let account = self.accounts.get_mut(tenant).expect("known");
        if account.turn >= self.round {
            account.overtaken = 0;
        }
        account.ready = Some(self.stamp + 1);
        self.stamp += 1;
        self.settle(tenant);
        number
    }

    pub(super) fn pay(&mut self, tenant: &'static str, need: Room) {
        let share = Room::of_host(&self.capacity).share(need);
        let account = self.accounts.get_mut(tenant).expect("known");
        account.turn = account.turn.max(if account.ready.is_some() { 0 } else { self.round });
        self.round = self.round.max(account.turn);
        account.turn += share.div_ceil(u128::from(self.quotas.of(tenant).weight.max(1)));
    }
}
