//! Moves a job from queued to running to its end, in a task of its own: a client that goes away changes nothing.
//!
//! No program runs before the journal has that its job was started, so none is run twice by accident; nothing is answered as
//! ended before the journal has its end. A job whose turn it is has its sandbox made while the journal writes.

mod attempts;
mod begin;
mod commit;
mod end;
mod given;
pub(crate) mod recover;
mod turn;

use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::Admitted;
use image::Images;
use journal::{Idempotency, JournalError};
use model::{Accepted, Happened, JobSpec};
use sandbox::LaunchPlan;
use schedule::{Queue, Ticket};
use supervise::{Order, Supervisor, micros};
use tokio::sync::{OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, mpsc, oneshot, watch};
use tracing::Instrument;

use crate::callbacks::Callbacks;
use crate::held::Held;
use crate::store::Store;
use crate::store::live::Live;
use crate::telemetry::{Telemetry, Trace};
use attempts::{Attempts, NotAgain};
use begin::Begin;
use commit::Wanted;
use end::Ending;
use turn::{Turn, cancelled, stop};

/// Orders that a job has not read yet; more say nothing new.
const ORDERS: usize = 8;

#[derive(Clone, Debug)]
pub(crate) struct Runner {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) supervisor: Supervisor,
    pub(crate) images: Images,
    pub(crate) callbacks: Callbacks,
    pub(crate) telemetry: Telemetry,
    /// Held by each job to its very end, when its place may be another's already.
    tasks: Arc<RwLock<()>>,
    /// No job is started any more.
    stopping: watch::Sender<bool>,
}

/// A job that was let through and has its place in the queue.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) admitted: Admitted<JobSpec>,
    pub(crate) held: Held,
    pub(crate) plan: LaunchPlan,
    pub(crate) ticket: Ticket,
    pub(crate) idempotency: Option<Idempotency>,
    /// What it took to get here.
    pub(crate) admit: Duration,
    pub(crate) trace: Trace,
    /// For what the job brought along, as long as it is in memory.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

/// Whether the journal has the job: not before that is it answered with an id.
pub(crate) type Taken = oneshot::Receiver<Result<(), JournalError>>;

/// Tells when no job is running.
#[derive(Clone, Debug)]
pub struct Drain {
    queue: Queue,
    tasks: Arc<RwLock<()>>,
    stopping: watch::Sender<bool>,
}

impl Drain {
    /// No job is taken in or started any more; those that wait go on at the next start. Policies that follow jobs know
    /// of all that ran then.
    pub async fn idle(&self) {
        let drained = self.queue.drain();
        self.stopping.send_replace(true);
        drained.await;
        let _tasks = self.tasks.write().await;
    }
}

impl Runner {
    pub(crate) fn new(
        store: Store,
        queue: Queue,
        supervisor: Supervisor,
        images: Images,
        callbacks: Callbacks,
        telemetry: Telemetry,
    ) -> Self {
        let (tasks, stopping) = (Arc::default(), watch::Sender::new(false));
        Self { store, queue, supervisor, images, callbacks, telemetry, tasks, stopping }
    }

    pub(crate) fn drain(&self) -> Drain {
        let (queue, tasks) = (Queue::clone(&self.queue), Arc::clone(&self.tasks));
        Drain { queue, tasks, stopping: self.stopping.clone() }
    }

    /// Takes the job in.
    pub(crate) fn submit(&self, entry: Entry) -> (Arc<Live>, Taken) {
        let Entry { mut admitted, held, plan, ticket, idempotency, admit, trace, room } = entry;
        let (orders, inbox) = mpsc::channel(ORDERS);
        let accepted = accepted(&mut admitted, admit, &trace);
        let live = Arc::new(Live::new(accepted.id, &accepted.tenant, Vec::new(), orders));
        live.happened(Happened::Accepted(Box::new(accepted)));
        let turn = Turn::of(ticket);
        if let Turn::Now(_) = turn {
            // In one write with its being accepted.
            live.happened(Happened::Started { attempt: 1, queue_us: 0 });
        }
        let (told, taken) = oneshot::channel();
        self.spawn(Task {
            live: Arc::clone(&live),
            begin: Begin::New { idempotency, told },
            admitted: Arc::new(admitted),
            held,
            plan,
            turn,
            inbox,
            room,
            attempt: 1,
            trace,
        });
        (live, taken)
    }

    fn spawn(&self, task: Task) {
        self.store.add(Arc::clone(&task.live));
        // Refused only once the server is stopping, when no new job gets here.
        let held = Arc::clone(&self.tasks).try_read_owned().ok();
        // So that the job's lines in the log carry the id of the request that brought it.
        tokio::spawn(self.clone().drive(task, held).in_current_span());
    }

    async fn drive(self, task: Task, _held: Option<OwnedRwLockReadGuard<()>>) {
        let Task { live, begin, admitted, held, plan, turn, mut inbox, room, attempt, trace } = task;
        let mut ending = Ending::new(&self, &live, &admitted, trace).holding(held);
        let journal = &self.store.journal;
        let is_later = turn.is_later();
        let begin = if is_later {
            if let Err(refused) = begin.kept(journal, &live, admitted.spec()).await {
                return refused.end(ending).await;
            }
            Begin::Known
        } else {
            begin
        };
        let (queued, mut stopping) = (Instant::now(), self.stopping.subscribe());
        let patience = admitted.spec().queue_timeout_ms.map(Duration::from_millis);
        let lease = tokio::select! {
            biased;
            // One that is new to the journal has an id that nobody knows yet.
            () = cancelled(&mut inbox), if matches!(begin, Begin::Known) => {
                drop((admitted, plan, room));
                return ending.cancelled().await;
            }
            () = stop(&mut stopping), if is_later => return ending.left_waiting(),
            lease = turn.comes() => lease,
        };
        let Ok(lease) = lease.map(Arc::new) else {
            drop((admitted, plan, room));
            return ending.expired().await;
        };
        if is_later {
            if !self.supervisor.is_alive() {
                drop((lease, admitted, plan, room));
                return ending.waits(inbox, patience).await;
            }
            live.happened(Happened::Started { attempt, queue_us: micros(queued.elapsed()) });
        }
        let wanted = Wanted::of(&admitted);
        let mut attempts = Attempts {
            runner: &self,
            live: &live,
            lease: &lease,
            attempt,
            most: admitted.spec().max_attempts,
            recorded: None,
        };
        let mut outcome = match attempts.all(begin, admitted, plan, inbox).await {
            Ok(outcome) => outcome,
            Err(NotAgain::Waits(inbox)) => {
                drop((lease, room));
                return ending.waits(inbox, patience).await;
            }
            Err(NotAgain::Refused(refused)) => return refused.end(ending).await,
        };
        ending.recorded(attempts.recorded);
        drop(room);
        // Before the end is told: whoever hears of it may send the next job at once.
        drop(lease);
        let committed = match wanted {
            Some(wanted) => wanted.make(&self.images, live.changed.take(), &mut outcome).await,
            None => None,
        };
        ending.ended(outcome, committed).await;
    }
}

fn accepted(admitted: &mut Admitted<JobSpec>, admit: Duration, trace: &Trace) -> Accepted {
    let (policy, warnings) = admitted.take_said();
    let (spec, about) = (admitted.spec(), admitted.about());
    Accepted {
        id: about.id,
        tenant: about.tenant.clone(),
        submitter: about.submitter.clone(),
        labels: spec.labels.clone(),
        priority: spec.priority,
        policy,
        warnings,
        admit_us: micros(admit),
        traceparent: trace.traceparent(),
    }
}

/// A job that is in the store and waits for its turn.
struct Task {
    live: Arc<Live>,
    begin: Begin,
    admitted: Arc<Admitted<JobSpec>>,
    held: Held,
    plan: LaunchPlan,
    turn: Turn,
    inbox: mpsc::Receiver<Order>,
    room: Option<OwnedSemaphorePermit>,
    attempt: u32,
    trace: Trace,
}
