//! Moves a job from queued to running to its end, in a task of its own: a client that goes away changes nothing.

mod live;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use supervise::{Order, Outcome};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, RwLock, Semaphore, mpsc, watch};
use tracing::Instrument;

use crate::records::{Arrival, Records, Snapshot};
use live::Live;
pub(crate) use live::{Entry, memory};

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
    /// Held by each job to its very end, when its place may be another's already.
    tasks: Arc<RwLock<()>>,
}

/// Room for one job.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Tells when no job is queued or running.
#[derive(Clone, Debug)]
pub struct Drain {
    places: Arc<Semaphore>,
    all: u32,
    tasks: Arc<RwLock<()>>,
}

impl Drain {
    /// Takes every place, so no new job is accepted meanwhile. Policies that follow jobs know of all of them then.
    pub async fn idle(&self) {
        // The semaphore is never closed.
        let _places = self.places.acquire_many(self.all).await;
        let _tasks = self.tasks.write().await;
    }
}

impl Runner {
    pub(crate) fn new(records: Records, max_running: usize, max_queued: usize) -> Self {
        let (places, slots) = (places(max_running, max_queued), max_running.clamp(1, Semaphore::MAX_PERMITS));
        let places = Arc::new(Semaphore::new(places as usize));
        Self { records, places, slots: Arc::new(Semaphore::new(slots)), tasks: Arc::default() }
    }

    pub(crate) fn drain(&self, max_running: usize, max_queued: usize) -> Drain {
        let all = places(max_running, max_queued);
        Drain { places: Arc::clone(&self.places), all, tasks: Arc::clone(&self.tasks) }
    }

    /// Before policies are asked: a job that there is no room for should cost next to nothing.
    pub(crate) fn reserve(&self) -> Result<Place, QueueFull> {
        let permit = Arc::clone(&self.places).try_acquire_owned().map_err(|_| QueueFull)?;
        Ok(Place { _permit: permit })
    }

    /// Takes the job in. `run` is what runs it, once it is its turn.
    pub(crate) fn submit<F, R>(
        &self,
        place: Place,
        mut entry: Entry,
        run: F,
    ) -> watch::Receiver<Arc<Snapshot>>
    where
        F: FnOnce(mpsc::Receiver<Order>) -> R + Send + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        let (orders, inbox) = mpsc::channel(1);
        let arrival = Arrival { orders, memory: entry.memory, seat: entry.seat.take() };
        let watching = self.records.add(entry.job().clone(), arrival);
        // Refused only to a job without a place: who waits for tasks to end holds all places.
        let held = Arc::clone(&self.tasks).try_read_owned().ok();
        let task = drive(entry.live(self.records.clone(), held), place, self.stand_in_line(), inbox, run);
        // So that the job's lines in the log carry the id of the request that brought it.
        tokio::spawn(task.in_current_span());
        watching
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

async fn drive<F, R>(mut live: Live, place: Place, turn: Turn, mut inbox: mpsc::Receiver<Order>, run: F)
where
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

#[cfg(test)]
mod tests;
