//! What the service knows of a queue, wherever its jobs wait.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use model::JobId;

use crate::{Ask, Expired, Load, Quotas, Refused};

pub type Queue = Arc<dyn Backend>;

/// Ends when nothing waits and nothing is held.
pub type Drained = Pin<Box<dyn Future<Output = ()> + Send>>;

pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Stands in line, or is refused. Never blocks.
    fn submit(&self, ask: Ask) -> Result<Ticket, Refused> {
        self.submit_seated(ask, None)
    }

    /// The same for a job that had a seat: nobody who looks at the load sees it twice, or not at all.
    fn submit_seated(&self, ask: Ask, seat: Option<Seat>) -> Result<Ticket, Refused>;

    /// What [`Backend::submit`] would say now to a job that must wait: asked before a job is looked at, so that one there
    /// is no room for costs next to nothing. `Ok` is no promise.
    fn room(&self, tenant: &str) -> Result<(), Refused>;

    /// Room for one more sandbox of a running job, if nobody waits for room.
    fn more(&self, lease: &Lease, memory_bytes: u64, cpu_millis: u64) -> Option<Extra>;

    fn load(&self) -> Load;

    /// A place in the [`Load`] for a job that is not submitted yet, with the load as it was before.
    fn seat(&self, tenant: &str, memory_bytes: u64) -> Seat;

    /// From now on, for jobs that wait too. Nothing that runs is ended.
    fn set_quotas(&self, quotas: Quotas);

    /// Refuses every job from now on. What waits still gets its turn, unless its ticket is dropped.
    fn drain(&self) -> Drained;
}

/// What a [`Ticket`] is inside.
pub trait Turn: Future<Output = Result<Lease, Expired>> + Send + Sync {
    /// How many jobs of the same tenant are before it; `None` once it no longer waits.
    fn position(&self) -> Option<usize>;
}

/// A place in line. Ends with the lease when it is the job's turn, at the first poll if that is now; dropping it leaves
/// the line, or gives up the turn. Asked again after its end it says that it expired.
#[must_use = "a ticket that is dropped leaves the line"]
pub struct Ticket {
    id: JobId,
    turn: Pin<Box<dyn Turn>>,
}

impl Ticket {
    pub fn new(id: JobId, turn: impl Turn + 'static) -> Self {
        Self { id, turn: Box::pin(turn) }
    }

    pub fn id(&self) -> JobId {
        self.id
    }

    /// See [`Turn::position`].
    pub fn position(&self) -> Option<usize> {
        self.turn.position()
    }
}

impl Future for Ticket {
    type Output = Result<Lease, Expired>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.turn.as_mut().poll(context)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a running job holds of the host; dropping it gives that back.
#[must_use = "a lease that is dropped gives its room back"]
pub struct Lease {
    id: JobId,
    held: Box<dyn Any + Send + Sync>,
}

impl Lease {
    /// Dropping `held` is what ends the lease.
    pub fn new(id: JobId, held: impl Any + Send + Sync) -> Self {
        Self { id, held: Box::new(held) }
    }

    pub fn id(&self) -> JobId {
        self.id
    }

    /// For the backend that made it.
    pub fn held<T: Any>(&self) -> Option<&T> {
        self.held.downcast_ref()
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Room for one more sandbox of a running job; dropping it gives that back. Not to be kept from one case to the next: it was
/// given because nobody waited, and somebody may by now.
#[must_use = "an extra that is dropped gives its room back"]
pub struct Extra {
    _held: Box<dyn Any + Send + Sync>,
}

impl Extra {
    /// Dropping `held` is what ends it.
    pub fn new(held: impl Any + Send + Sync) -> Self {
        Self { _held: Box::new(held) }
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extra").finish_non_exhaustive()
    }
}

/// A job that is being decided about. Dropping it, or submitting the job with it, frees the place.
#[must_use = "a seat that is dropped is not counted"]
pub struct Seat {
    before: Load,
    held: Box<dyn Any + Send + Sync>,
}

impl Seat {
    /// Dropping `held` is what ends the seat.
    pub fn new(before: Load, held: impl Any + Send + Sync) -> Self {
        Self { before, held: Box::new(held) }
    }

    /// The load without this seat, as it was when it was taken: of many jobs that come at one time, each sees those
    /// before it.
    pub fn before(&self) -> &Load {
        &self.before
    }

    /// For the backend that made it.
    pub fn into_held<T: Any>(self) -> Option<Box<T>> {
        let held: Box<dyn Any> = self.held;
        held.downcast().ok()
    }
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("before", &self.before).finish_non_exhaustive()
    }
}
