//! Moves a job from queued to running to its end, in a task of its own: a client that goes away changes nothing.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use jiff::Timestamp;
use model::{Cause, Job, JobId, Status, Timing};
use supervise::{Order, Outcome};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tracing::Instrument;

use crate::records::{Records, Snapshot};

/// There are no tenants yet.
const TENANT: &str = "default";

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many jobs as this host takes are running or queued; try again shortly")]
pub(crate) struct QueueFull;

#[derive(Clone, Debug)]
pub(crate) struct Runner {
    records: Records,
    /// One for each job that is queued or running: a job without one is refused.
    places: Arc<Semaphore>,
    /// One for each running job, handed out first come, first served.
    slots: Arc<Semaphore>,
}

/// Tells when no job is queued or running.
#[derive(Clone, Debug)]
pub struct Drain {
    places: Arc<Semaphore>,
    all: u32,
}

impl Drain {
    /// Takes every place, so no new job is accepted meanwhile.
    pub async fn idle(&self) {
        // The semaphore is never closed.
        let _ = self.places.acquire_many(self.all).await;
    }
}

impl Runner {
    pub(crate) fn new(records: Records, max_running: usize, max_queued: usize) -> Self {
        let (places, slots) = (places(max_running, max_queued), max_running.clamp(1, Semaphore::MAX_PERMITS));
        let places = Arc::new(Semaphore::new(places as usize));
        Self { records, places, slots: Arc::new(Semaphore::new(slots)) }
    }

    pub(crate) fn drain(&self, max_running: usize, max_queued: usize) -> Drain {
        Drain { places: Arc::clone(&self.places), all: places(max_running, max_queued) }
    }

    /// Takes the job in. `run` is what runs it, once it is its turn.
    pub(crate) fn submit<F, R>(
        &self,
        labels: BTreeMap<String, String>,
        admit: Duration,
        run: F,
    ) -> Result<watch::Receiver<Arc<Snapshot>>, QueueFull>
    where
        F: FnOnce(mpsc::Receiver<Order>) -> R + Send + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| QueueFull)?;
        let job = queued(labels, admit);
        let (orders, inbox) = mpsc::channel(1);
        let watching = self.records.add(job.clone(), orders);
        let live = Live { records: self.records.clone(), job: Some(job) };
        let task = drive(live, place, self.stand_in_line(), inbox, run);
        // So that the job's lines in the log carry the id of the request that brought it.
        tokio::spawn(task.in_current_span());
        Ok(watching)
    }
}

impl Runner {
    /// Now, not when the job's task first runs: tasks of two jobs may start in any order.
    fn stand_in_line(&self) -> Turn {
        let mut turn = Box::pin(Arc::clone(&self.slots).acquire_owned());
        match turn.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(slot) => Box::pin(std::future::ready(slot)),
            Poll::Pending => turn,
        }
    }
}

/// Counted by the semaphore that hands them out, many at once in a u32.
fn places(max_running: usize, max_queued: usize) -> u32 {
    u32::try_from(max_running.saturating_add(max_queued)).unwrap_or(u32::MAX / 8)
}

/// Ends when it is the job's turn.
type Turn = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

async fn drive<F, R>(
    mut live: Live,
    place: OwnedSemaphorePermit,
    turn: Turn,
    mut inbox: mpsc::Receiver<Order>,
    run: F,
) where
    F: FnOnce(mpsc::Receiver<Order>) -> R,
    R: Future<Output = Outcome>,
{
    let queued = Instant::now();
    let slot = tokio::select! {
        biased;
        Some(Order::Cancel) = inbox.recv() => {
            drop(place);
            return live.cancelled(queued.elapsed());
        }
        slot = turn => slot,
    };
    live.running(queued.elapsed());
    let outcome = run(inbox).await;
    // Before the end is told: whoever hears of it may send the next job at once.
    drop((slot, place));
    live.ended(outcome);
}

/// A job that has not ended. Dropped before that, as when its task panics, it ends as our fault: never stuck.
#[derive(Debug)]
struct Live {
    records: Records,
    /// Gone once the job has ended.
    job: Option<Job>,
}

impl Live {
    fn running(&mut self, queue: Duration) {
        let Some(job) = &mut self.job else { return };
        job.status = Status::Running;
        job.started_at = Some(Timestamp::now());
        job.timing.queue_us = micros(queue);
        self.records.update(Snapshot { job: job.clone(), contents: BTreeMap::new() });
    }

    fn cancelled(mut self, queue: Duration) {
        let Some(mut job) = self.job.take() else { return };
        job.timing.queue_us = micros(queue);
        job.cause = Some(Cause::new("cancelled", "cancelled before it was started"));
        self.finish(job, Status::Cancelled, BTreeMap::new());
    }

    fn ended(mut self, outcome: Outcome) {
        let Some(mut job) = self.job.take() else { return };
        let Outcome { status, cause, steps, artifacts, artifact_errors, policy, warnings, isolation, timing } =
            outcome;
        job.policy.extend(policy);
        job.warnings.extend(warnings);
        job.cause = cause;
        job.steps = steps;
        job.artifact_errors = artifact_errors;
        job.isolation = isolation;
        job.timing = Timing { admit_us: job.timing.admit_us, queue_us: job.timing.queue_us, ..timing };
        let mut contents = BTreeMap::new();
        for collected in artifacts {
            contents.insert(collected.artifact.path.clone(), Bytes::from(collected.contents));
            job.artifacts.push(collected.artifact);
        }
        self.finish(job, status, contents);
    }

    fn finish(&self, mut job: Job, status: Status, contents: BTreeMap<String, Bytes>) {
        job.status = status;
        job.finished_at = Some(Timestamp::now());
        self.records.finish(Snapshot { job, contents });
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let Some(mut job) = self.job.take() else { return };
        tracing::error!(job_id = %job.id, "the task of job {} ended without an outcome", job.id);
        job.cause = Some(Cause::new("sandbox", "the server failed while it ran this job; its log has more"));
        self.finish(job, Status::InternalError, BTreeMap::new());
    }
}

fn queued(labels: BTreeMap<String, String>, admit: Duration) -> Job {
    Job {
        id: JobId::new(),
        status: Status::Queued,
        tenant: TENANT.into(),
        labels,
        created_at: Timestamp::now(),
        started_at: None,
        finished_at: None,
        cause: None,
        steps: Vec::new(),
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        policy: Vec::new(),
        warnings: Vec::new(),
        annotations: BTreeMap::new(),
        isolation: None,
        timing: Timing { admit_us: micros(admit), ..Timing::default() },
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
