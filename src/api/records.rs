//! Every job there is, in memory: the live ones all, of the finished ones the newest that fit.

mod load;
mod seat;
mod size;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use admission::{Additions, Facts};
use axum::body::Bytes;
use model::{Job, JobId};
use supervise::Order;
use tokio::sync::{mpsc, watch};

use load::Load;
pub(crate) use seat::Seat;
use size::{notes, size};

/// Of labels, and of annotations, with what policies add.
const MOST_NOTES: usize = 64;

/// A job as it stands at one moment, with the contents of its artifacts by path.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) job: Job,
    pub(crate) contents: BTreeMap<String, Bytes>,
}

/// What comes with a job beside what is told of it.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) orders: mpsc::Sender<Order>,
    /// The most that its steps may take.
    pub(crate) memory: u64,
    pub(crate) seat: Option<Seat>,
}

#[derive(Debug)]
struct Record {
    state: watch::Sender<Arc<Snapshot>>,
    orders: mpsc::Sender<Order>,
    memory: u64,
    /// Whether it has notes of policies, which the task that runs the job does not know.
    amended: bool,
    /// Counted once the job has ended.
    size: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Jobs that run at one time.
    pub(crate) running: usize,
    pub(crate) finished: usize,
    pub(crate) bytes: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Records {
    store: Arc<Mutex<Store>>,
    bounds: Bounds,
}

#[derive(Debug)]
struct Store {
    jobs: HashMap<JobId, Record>,
    load: Load,
    /// Oldest first.
    finished: VecDeque<JobId>,
    bytes: usize,
}

impl Records {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let load = Load::new(bounds.running);
        let store = Store { jobs: HashMap::new(), load, finished: VecDeque::new(), bytes: 0 };
        Self { store: Arc::new(Mutex::new(store)), bounds }
    }

    pub(crate) fn facts(&self) -> Facts {
        self.lock().load.facts()
    }

    /// The facts to decide a job by, and its place among the jobs that later ones are decided by.
    pub(crate) fn sit_down(&self, tenant: &str, memory: u64) -> (Facts, Seat) {
        let mut store = self.lock();
        let facts = store.load.facts();
        (facts, Seat::new(self.clone(), &mut store, tenant, memory))
    }

    pub(crate) fn add(&self, job: Job, arrival: Arrival) -> watch::Receiver<Arc<Snapshot>> {
        let Arrival { orders, memory, seat } = arrival;
        let id = job.id;
        let mut store = self.lock();
        if let Some(seat) = seat {
            seat.leave(&mut store);
        }
        store.load.moved(&job.tenant, memory, None, Some(job.status));
        let (state, watching) = watch::channel(Arc::new(Snapshot { job, contents: BTreeMap::new() }));
        store.jobs.insert(id, Record { state, orders, memory, amended: false, size: 0 });
        watching
    }

    pub(crate) fn watch(&self, id: JobId) -> Option<watch::Receiver<Arc<Snapshot>>> {
        self.lock().jobs.get(&id).map(|record| record.state.subscribe())
    }

    pub(crate) fn get(&self, id: JobId) -> Option<Arc<Snapshot>> {
        self.lock().jobs.get(&id).map(|record| Arc::clone(&record.state.borrow()))
    }

    /// Nothing comes of an order to a job that has ended, or that has that order already.
    pub(crate) fn order(&self, id: JobId, order: Order) -> Option<Arc<Snapshot>> {
        let store = self.lock();
        let record = store.jobs.get(&id)?;
        // Full: earlier orders are still to be read, and with only `Cancel` to give they say the same.
        let _ = record.orders.try_send(order);
        Some(Arc::clone(&record.state.borrow()))
    }

    /// A step on the way. Whoever waits, waits for the end, so nobody is woken.
    pub(crate) fn update(&self, mut snapshot: Snapshot) {
        let mut store = self.lock();
        let Store { jobs, load, .. } = &mut *store;
        if let Some(record) = jobs.get(&snapshot.job.id) {
            record.goes_to(&mut snapshot, load);
            record.state.send_if_modified(|state| {
                *state = Arc::new(snapshot);
                false
            });
        }
    }

    /// The job as it is kept.
    pub(crate) fn finish(&self, mut snapshot: Snapshot) -> Option<Arc<Snapshot>> {
        let mut counted = size(&snapshot) - notes(&snapshot.job);
        let mut store = self.lock();
        let Store { jobs, load, finished, bytes } = &mut *store;
        let id = snapshot.job.id;
        let record = jobs.get_mut(&id)?;
        record.goes_to(&mut snapshot, load);
        counted += notes(&snapshot.job);
        record.size = counted;
        let kept = Arc::new(snapshot);
        record.state.send_replace(Arc::clone(&kept));
        finished.push_back(id);
        *bytes += counted;
        self.evict(store);
        Some(kept)
    }

    /// Adds what policies noted down about a job, ended or not: labels that it does not have, and annotations.
    pub(crate) fn amend(&self, id: JobId, additions: Additions) {
        let mut store = self.lock();
        let Store { jobs, bytes, .. } = &mut *store;
        let Some(record) = jobs.get_mut(&id) else { return };
        record.amended = true;
        let mut change = (0, 0);
        record.state.send_if_modified(|state| {
            let job = &mut Arc::make_mut(state).job;
            change.0 = notes(job);
            merge(job, additions);
            change.1 = notes(job);
            false
        });
        // Zero while the job has not ended: its size is counted then, notes and all.
        if record.size > 0 {
            record.size = record.size + change.1 - change.0;
            *bytes = *bytes + change.1 - change.0;
            self.evict(store);
        }
    }

    fn evict(&self, mut store: MutexGuard<'_, Store>) {
        let dropped = store.evict(self.bounds);
        // Freeing many megabytes takes its time; nobody should wait for the lock meanwhile.
        drop(store);
        drop(dropped);
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Nothing that runs under the lock leaves the store half changed, so a panic in it taints nothing.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Record {
    /// From the job as it was to the job as it is now, with the notes that it has got meanwhile.
    fn goes_to(&self, next: &mut Snapshot, load: &mut Load) {
        let now = self.state.borrow();
        if self.amended {
            next.job.labels.clone_from(&now.job.labels);
            next.job.annotations.clone_from(&now.job.annotations);
        }
        load.moved(&now.job.tenant, self.memory, Some(now.job.status), Some(next.job.status));
    }
}

impl Store {
    /// The newest stays whatever its size: its caller has had no chance to ask for it yet.
    fn evict(&mut self, bounds: Bounds) -> Vec<Record> {
        let mut dropped = Vec::new();
        while self.finished.len() > 1 && (self.finished.len() > bounds.finished || self.bytes > bounds.bytes)
        {
            let record = self.finished.pop_front().and_then(|id| self.jobs.remove(&id));
            self.bytes -= record.as_ref().map_or(0, |record| record.size);
            dropped.extend(record);
        }
        dropped
    }
}

fn merge(job: &mut Job, Additions { labels, annotations }: Additions) {
    for (key, value) in labels {
        if job.labels.len() < MOST_NOTES {
            job.labels.entry(key).or_insert(value);
        }
    }
    for (key, value) in annotations {
        if job.annotations.len() < MOST_NOTES || job.annotations.contains_key(&key) {
            job.annotations.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests;
