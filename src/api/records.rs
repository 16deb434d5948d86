//! Every job there is, in memory: the live ones all, of the finished ones the newest that fit.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use model::{Job, JobId};
use supervise::Order;
use tokio::sync::{mpsc, watch};

/// What a record costs beside the bytes that are counted one by one.
const OVERHEAD: usize = 2048;

/// A job as it stands at one moment, with the contents of its artifacts by path.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) job: Job,
    pub(crate) contents: BTreeMap<String, Bytes>,
}

#[derive(Debug)]
struct Record {
    state: watch::Sender<Arc<Snapshot>>,
    orders: mpsc::Sender<Order>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) finished: usize,
    pub(crate) bytes: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Records {
    store: Arc<Mutex<Store>>,
    bounds: Bounds,
}

#[derive(Debug, Default)]
struct Store {
    jobs: HashMap<JobId, Record>,
    /// Oldest first, each with its size.
    finished: VecDeque<(JobId, usize)>,
    bytes: usize,
}

impl Records {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { store: Arc::default(), bounds }
    }

    pub(crate) fn add(&self, job: Job, orders: mpsc::Sender<Order>) -> watch::Receiver<Arc<Snapshot>> {
        let id = job.id;
        let (state, watching) = watch::channel(Arc::new(Snapshot { job, contents: BTreeMap::new() }));
        self.lock().jobs.insert(id, Record { state, orders });
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
    pub(crate) fn update(&self, snapshot: Snapshot) {
        if let Some(record) = self.lock().jobs.get(&snapshot.job.id) {
            record.state.send_if_modified(|state| {
                *state = Arc::new(snapshot);
                false
            });
        }
    }

    pub(crate) fn finish(&self, snapshot: Snapshot) {
        let (id, size) = (snapshot.job.id, size(&snapshot));
        let mut store = self.lock();
        let Some(record) = store.jobs.get(&id) else { return };
        record.state.send_replace(Arc::new(snapshot));
        store.finished.push_back((id, size));
        store.bytes += size;
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

impl Store {
    /// The newest stays whatever its size: its caller has had no chance to ask for it yet.
    fn evict(&mut self, bounds: Bounds) -> Vec<Record> {
        let mut dropped = Vec::new();
        while self.finished.len() > 1 && (self.finished.len() > bounds.finished || self.bytes > bounds.bytes)
        {
            let Some((id, size)) = self.finished.pop_front() else { break };
            self.bytes -= size;
            dropped.extend(self.jobs.remove(&id));
        }
        dropped
    }
}

fn size(snapshot: &Snapshot) -> usize {
    let job = &snapshot.job;
    let outputs: usize = job.steps.iter().map(|s| s.stdout.text.len() + s.stderr.text.len()).sum();
    let labels: usize = job.labels.iter().map(|(k, v)| k.len() + v.len()).sum();
    let contents: usize = snapshot.contents.iter().map(|(path, bytes)| 2 * path.len() + bytes.len()).sum();
    let errors: usize = job.artifact_errors.iter().map(|e| e.path.len() + e.detail.len()).sum();
    OVERHEAD + outputs + labels + contents + errors
}

#[cfg(test)]
mod tests;
