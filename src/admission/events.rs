//! Lifecycle hooks, later: a bounded queue for each policy, so that a slow one is in nobody's way, worked off in order by a
//! thread that is there while there is work. What a policy is known to have nothing to say about is done with at once.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use model::{Hook, Job, Mode, Receipt, Ruling};

use crate::bindings::types::Additions as Answer;
use crate::draft::Draft;
use crate::lifecycle::{Follower, exhausted};
use crate::policy::Policy;
use crate::record::bounded;
use crate::verdict::Additions;
use crate::witness::View;

const MAX_EVENTS: usize = 1024;
/// What the jobs that events are about take, which live as long as the events do.
const MAX_BYTES: usize = 32 << 20;
const MAX_LABELS: usize = 16;

#[derive(Debug)]
pub(crate) enum Event {
    Started { follower: Follower, receipt: Arc<Receipt> },
    Exited { follower: Follower, job: Arc<Job> },
}

#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    events: VecDeque<Event>,
    bytes: usize,
    /// Whether a thread is working it off.
    served: bool,
}

impl Line {
    /// Nobody who was told before is still to be heard.
    fn is_idle(&self) -> bool {
        !self.served && self.events.is_empty()
    }
}

impl Queue {
    /// What does not fit is dropped and counted.
    pub(crate) fn push(&self, policy: &Arc<Policy>, event: Event) {
        // Where nothing is before it, what takes no call needs no thread.
        if self.lock().is_idle() && event.adds_nothing(policy) {
            return;
        }
        let size = event.size();
        let mut line = self.lock();
        // One alone may be as large as jobs may be, else those that follow jobs would never hear of it.
        if line.events.len() >= MAX_EVENTS || (line.bytes > 0 && line.bytes + size > MAX_BYTES) {
            policy.stats.dropped_events.fetch_add(1, Relaxed);
            return;
        }
        let pending = &event.follower().core.pending;
        pending.add();
        line.bytes += size;
        line.events.push_back(event);
        if line.served {
            return;
        }
        let served = Arc::clone(policy);
        let thread = thread::Builder::new().name("policy-events".into());
        line.served = thread.spawn(move || served.queue.serve(&served)).is_ok();
        if !line.served {
            // Out of threads: the next event tries again, and this one is still in line.
            tracing::error!(policy = &*policy.name, "cannot start a thread for lifecycle hooks");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, policy: &Arc<Policy>) {
        while let Some(event) = self.next() {
            let core = Arc::clone(&event.follower().core);
            event.deliver(policy);
            core.pending.done();
        }
    }

    fn next(&self) -> Option<Event> {
        let mut line = self.lock();
        let event = line.events.pop_front();
        line.served = event.is_some();
        line.bytes -= event.as_ref().map_or(0, Event::size);
        event
    }
}

impl Event {
    fn follower(&self) -> &Follower {
        match self {
            Self::Started { follower, .. } | Self::Exited { follower, .. } => follower,
        }
    }

    fn size(&self) -> usize {
        self.follower().spec.bytes()
    }

    fn hook(&self) -> Hook {
        match self {
            Self::Started { .. } => Hook::OnStarted,
            Self::Exited { .. } => Hook::OnExited,
        }
    }

    fn view(&self, policy: &Arc<Policy>) -> View {
        let follower = self.follower();
        let mut view =
            View::new(policy, &follower.about, self.hook(), Draft::new(Arc::clone(&follower.spec)));
        match self {
            Self::Started { receipt, .. } => view.container = Some(Arc::clone(receipt)),
            Self::Exited { job, .. } => {
                view.container = job.isolation.clone().map(Arc::new);
                view.outcome = Some(Arc::clone(job));
            }
        }
        view
    }

    /// Whether the policy is known to add nothing to the job. It has been heard then.
    fn adds_nothing(&self, policy: &Arc<Policy>) -> bool {
        let (began, recall) = (Instant::now(), &policy.added);
        if !self.follower().core.recalls || !recall.may_know(self.hook()) {
            return false;
        }
        let nothing = |answer: &Answer| answer.labels.is_empty() && answer.annotations.is_empty();
        let known = recall.find(&mut self.view(policy), nothing).is_some();
        if known {
            policy.stats.count(Ruling::Allow, None, began.elapsed(), 0);
        }
        known
    }

    fn deliver(self, policy: &Arc<Policy>) {
        let (view, follower) = (self.view(policy), self.follower());
        let Some(place) = follower.core.follower_place() else {
            policy.stats.fail(exhausted().failure);
            return;
        };
        let caller = follower.core.patient();
        let called = caller.ask(
            view,
            |policy| &policy.added,
            |store, entries| match &self {
                Self::Started { .. } => entries.on_started()?.call_started(store),
                Self::Exited { .. } => entries.on_exited()?.call_exited(store),
            },
        );
        // Before the answer is written: the next call is not for that disk to wait for.
        drop(place);
        let ruling = if called.answer.is_ok() { Ruling::Allow } else { Ruling::Error };
        let failure = called.answer.as_ref().err().map(|broken| broken.failure);
        policy.stats.count(ruling, failure, called.took, called.memory);
        match called.answer {
            Ok(answer) if policy.mode == Mode::Enforce => {
                follower.core.add(follower.about.id, additions(answer));
            }
            // It changes nothing, a job's labels neither.
            Ok(_) => (),
            Err(broken) => {
                let (policy, job_id) = (&*policy.name, follower.about.id);
                tracing::warn!(policy, %job_id, failure = broken.failure.word(), "lifecycle hook: {}", broken.detail);
            }
        }
    }
}

/// Labels by the rules for a job's own: others are left out.
fn additions(Answer { labels, annotations }: Answer) -> Additions {
    let is_label = |key: &str, value: &str| (1..=256).contains(&key.len()) && value.len() <= 256;
    let labels = labels.into_iter().take(MAX_LABELS).filter(|pair| is_label(&pair.key, &pair.value));
    Additions {
        labels: labels.map(|pair| (pair.key, pair.value)).collect(),
        annotations: bounded(annotations),
    }
}

/// How many events are not delivered yet, in all queues.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    count: Mutex<usize>,
    none: Condvar,
}

impl Pending {
    fn add(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn done(&self) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count -= 1;
        if *count == 0 {
            self.none.notify_all();
        }
    }

    /// Whether there were none at the end of that time.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.none.wait_timeout_while(count, patience, |count| *count > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}
