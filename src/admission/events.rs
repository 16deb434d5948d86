//! Lifecycle hooks, later: a bounded queue for each policy, so that a slow one is in nobody's way, worked off in order by a
//! thread that is there while there is work.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use model::{Hook, Job, Receipt, Ruling};

use crate::bindings::types::Additions as Answer;
use crate::call::Called;
use crate::draft::Draft;
use crate::host::State;
use crate::lifecycle::{Follower, exhausted};
use crate::policy::Policy;
use crate::record::bounded;
use crate::verdict::Additions;

const MAX_EVENTS: usize = 1024;
/// Files of the jobs that events are about, which live as long as the events do.
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

impl Queue {
    /// What does not fit is dropped and counted.
    pub(crate) fn push(&self, policy: &Arc<Policy>, event: Event) {
        let size = event.size();
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    fn serve(&self, policy: &Arc<Policy>) {
        while let Some(event) = self.next() {
            let core = Arc::clone(&event.follower().core);
            event.deliver(policy);
            core.pending.done();
        }
    }

    fn next(&self) -> Option<Event> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
        self.follower().spec.contents().map(|content| content.len()).sum()
    }

    fn deliver(self, policy: &Arc<Policy>) {
        let hook = match self {
            Self::Started { .. } => Hook::OnStarted,
            Self::Exited { .. } => Hook::OnExited,
        };
        let follower = self.follower();
        let Some(_place) = follower.core.follower_place() else {
            policy.stats.fail(exhausted().failure);
            return;
        };
        let draft = Draft::new(Arc::clone(&follower.spec));
        let mut state = State::new(policy, &follower.about, hook, draft);
        let called = match &self {
            Self::Started { receipt, .. } => {
                state.container = Some(Arc::clone(receipt));
                started(follower, policy, state)
            }
            Self::Exited { job, .. } => {
                state.container = job.isolation.clone().map(Arc::new);
                state.outcome = Some(Arc::clone(job));
                exited(follower, policy, state)
            }
        };
        let ruling = if called.answer.is_ok() { Ruling::Allow } else { Ruling::Error };
        let failure = called.answer.as_ref().err().map(|broken| broken.failure);
        policy.stats.count(ruling, failure, called.took, called.memory);
        match called.answer {
            Ok(answer) => follower.core.add(follower.about.id, additions(answer)),
            Err(broken) => {
                let (policy, job_id) = (&*policy.name, follower.about.id);
                tracing::warn!(policy, %job_id, failure = broken.failure.word(), "lifecycle hook: {}", broken.detail);
            }
        }
    }
}

fn started(follower: &Follower, policy: &Policy, state: State) -> Called<Answer> {
    let caller = follower.core.patient();
    caller.call(policy, state, |store, entries| entries.on_started()?.call_started(store))
}

fn exited(follower: &Follower, policy: &Policy, state: State) -> Called<Answer> {
    let caller = follower.core.patient();
    caller.call(policy, state, |store, entries| entries.on_exited()?.call_exited(store))
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
