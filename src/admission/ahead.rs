//! Instances made ahead: a policy that has just been asked will be asked again, and making its instance takes longer than
//! the answer. Each is used for one call and dropped, as those are that a call makes for itself.
//!
//! Only for components that ask the host nothing while they are made but their name, settings and timeout. There is no clock
//! and no chance in a policy, so such an instance is the same whenever it was made, whatever the job.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use model::{Hook, JobId, JobSpec};
use wasmtime::Store;

use crate::About;
use crate::call;
use crate::draft::Draft;
use crate::hooks::Entries;
use crate::host::{Bounds, State};
use crate::policy::Policy;
use crate::witness::{Steps, View};

mod maker;

use maker::Held;
pub(crate) use maker::{MOST, Maker};

/// Of one policy.
const MOST_OF_ONE: usize = 8;
/// A component with more linear memories than this is never made ahead: the pool has one for each instance in stock.
const MEMORIES: u32 = 1;

/// What one set of policies has ready.
#[derive(Debug)]
pub(crate) struct Stock {
    maker: Arc<maker::Shared>,
    jobs: AtomicUsize,
    /// By the policies' places.
    shelves: Vec<Shelf>,
    /// What instances see that are in no call.
    nobody: Arc<About>,
    nothing: Arc<JobSpec>,
}

#[derive(Debug)]
struct Shelf {
    policy: Arc<Policy>,
    /// Linear memory of one that was just made; `None` where none are to be made ahead.
    bytes: Option<usize>,
    line: Mutex<Line>,
}

#[derive(Debug, Default)]
struct Line {
    ready: Vec<Ready>,
    /// How many there should be: one more after each call that found none.
    wanted: usize,
    closed: bool,
}

/// An instance that has seen nothing, or one that is only to be dropped.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) store: Store<State>,
    pub(crate) entries: Entries,
    /// Given back when the store is gone.
    _held: Held,
}

/// What the first instance of a policy has told of all others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) asks_the_host: bool,
    pub(crate) bytes: usize,
}

impl Shelf {
    fn new(policy: Arc<Policy>, seen: Sample) -> Self {
        let resources = policy.pre.component().resources_required();
        let small = resources.is_some_and(|all| all.num_memories <= MEMORIES);
        let bytes = (small && !seen.asks_the_host).then_some(seen.bytes);
        Self { policy, bytes, line: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stock {
    pub(crate) fn new(maker: &Maker, policies: impl IntoIterator<Item = (Arc<Policy>, Sample)>) -> Self {
        Self {
            maker: Arc::clone(maker.shared()),
            jobs: AtomicUsize::new(0),
            shelves: policies.into_iter().map(|(policy, seen)| Shelf::new(policy, seen)).collect(),
            nobody: Arc::new(About::local(JobId::new())),
            nothing: Arc::new(crate::load::no_job()),
        }
    }

    /// One more job is to be decided.
    pub(crate) fn job(&self) {
        self.jobs.fetch_add(1, Relaxed);
    }

    /// For one call. Who gets none makes one, and has more made for the next.
    pub(crate) fn take(&self, policy: &Policy) -> Option<Ready> {
        let shelf = self.shelves.get(policy.place as usize).filter(|shelf| shelf.bytes.is_some())?;
        let mut line = shelf.lock();
        let ready = line.ready.pop();
        // For a command line's one job nothing is made ahead.
        if ready.is_none() && self.jobs.load(Relaxed) > 1 {
            line.wanted = MOST_OF_ONE.min(line.wanted + 1);
        }
        drop(line);
        self.maker.is_due();
        ready
    }

    /// What a call that has ended leaves. Its instance is dropped later, for the answer does not depend on it.
    pub(crate) fn spend(&self, mut used: Ready) -> ((Draft, Option<Steps>), Bounds) {
        let state = used.store.data_mut();
        let left = state.witness.leave(Draft::new(Arc::clone(&self.nothing)));
        let bounds = std::mem::take(&mut state.bounds);
        self.maker.spend(used);
        (left, bounds)
    }

    /// Nothing is made for it any more, and what was made is dropped.
    pub(crate) fn close(&self) {
        for shelf in &self.shelves {
            let mut line = shelf.lock();
            line.closed = true;
            let ready = std::mem::take(&mut line.ready);
            drop(line);
            drop(ready);
        }
    }

    fn blank(&self, policy: &Arc<Policy>) -> State {
        State::new(View::new(policy, &self.nobody, Hook::Validation, Draft::new(Arc::clone(&self.nothing))))
    }

    /// One for each policy in turn, until all have what they should or the room is used up.
    fn fill(&self) {
        let made = |shelf: &Shelf| shelf.bytes.is_some_and(|bytes| self.make(shelf, bytes));
        while self.shelves.iter().filter(|shelf| made(shelf)).count() > 0 {}
    }

    /// Whether one was made.
    fn make(&self, shelf: &Shelf, bytes: usize) -> bool {
        let wants = |line: &Line| !line.closed && line.ready.len() < line.wanted;
        if !wants(&shelf.lock()) {
            return false;
        }
        let Some(held) = maker::Shared::hold(&self.maker, bytes) else { return false };
        let policy = &shelf.policy;
        let mut store = call::store(policy, self.blank(policy));
        // It did start when it was loaded. If it ever does not, the call that needs it finds out why.
        let Ok(entries) = call::enter(&mut store, policy, Instant::now(), |work| work()) else {
            return false;
        };
        let mut line = shelf.lock();
        // What asked the host knows what no job may know of another: it is no longer blank.
        let fits = wants(&line) && !store.data().has_asked;
        if fits {
            line.ready.push(Ready { store, entries, _held: held });
        }
        fits
    }
}

#[cfg(test)]
mod tests;
