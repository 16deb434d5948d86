//! A job's policies from its admission to its end: always the set that admitted it, whatever was loaded since.

use std::sync::Arc;
use std::time::Instant;

use model::{Decision, Failure, Hook, Job, JobSpec, Receipt};

use crate::About;
use crate::admission::Core;
use crate::call::{Broken, Called};
use crate::draft::Draft;
use crate::events::Event;
use crate::host::State;
use crate::policy::{Asked, Policy, Set};
use crate::record::{Fill, Said, judged};
use crate::told::warnings;
use crate::verdict::Denial;
use crate::witness::View;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Follower {
    pub(crate) core: Arc<Core>,
    pub(crate) set: Arc<Set>,
    pub(crate) about: Arc<About>,
    /// When that was the time.
    pub(crate) since: Instant,
    pub(crate) spec: Arc<JobSpec>,
    /// Which policies of the set are asked about this job.
    pub(crate) asked: Asked,
}

/// What the policies of one hook said together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
    pub denial: Option<Denial>,
}

impl Follower {
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Whether any policy wants to be asked about this job at `hook`.
    pub fn is_asked(&self, hook: Hook) -> bool {
        self.asked(hook).next().is_some()
    }

    fn asked(&self, hook: Hook) -> impl Iterator<Item = &Arc<Policy>> {
        self.set.at(hook).filter(|policy| self.asked.has(policy))
    }

    /// Blocks for as long as the policies take.
    pub fn pre_start(&self, receipt: &Arc<Receipt>) -> Judged {
        self.judge(Hook::PreStart, |mut view| {
            view.container = Some(Arc::clone(receipt));
            let caller = self.core.caller(&self.set);
            caller.ask(
                view,
                |policy| &policy.judged,
                |store, entries| entries.pre_start()?.call_approve(store).map(Said::new),
            )
        })
    }

    /// Blocks for as long as the policies take. `host` is a name in lower case, or an address.
    pub fn connect(&self, host: &str, port: u16) -> Judged {
        self.judge(Hook::Connection, |view| {
            let (caller, policy) = (self.core.caller(&self.set), Arc::clone(&view.policy));
            // What it is asked about is not in the view, so this is never remembered.
            caller.call(&policy, State::new(view), |store, entries| {
                entries.connection()?.call_connect(store, host, port).map(Said::new)
            })
        })
    }

    /// Never blocks: what the policies think of it comes later, unless it is known to be nothing.
    pub fn started(&self, receipt: &Arc<Receipt>) {
        for policy in self.asked(Hook::OnStarted) {
            let event = Event::Started { follower: self.now(), receipt: Arc::clone(receipt) };
            policy.queue.push(policy, event);
        }
    }

    /// Never blocks. Outputs are not passed on.
    pub fn exited(&self, job: &Job) {
        let mut bare = None;
        for policy in self.asked(Hook::OnExited) {
            let job = Arc::clone(bare.get_or_insert_with(|| Arc::new(job.without_outputs())));
            policy.queue.push(policy, Event::Exited { follower: self.now(), job });
        }
    }

    /// What happens now is told with the time it has now: a job may have waited and run for long since its admission.
    /// Counted from there, for a clock that is set must not take a policy back, and a replay has a time of its own.
    fn now(&self) -> Self {
        let now = self.about.now.checked_add(self.since.elapsed()).unwrap_or(self.about.now);
        Self { about: Arc::new(About { now, ..About::clone(&self.about) }), ..self.clone() }
    }

    fn judge(&self, hook: Hook, call: impl Fn(View) -> Called<Arc<Said>>) -> Judged {
        let mut all = Judged::default();
        let place = self.core.place();
        for policy in self.asked(hook) {
            let decision = if place.is_some() {
                let draft = Draft::new(Arc::clone(&self.spec));
                let called = call(View::new(policy, &self.about, hook, draft));
                Arc::unwrap_or_clone(judged((&self.set, policy), hook, called).decision)
            } else {
                policy.stats.fail(Failure::PoolExhausted);
                let mut decision = self.set.decision_of(policy, hook);
                decision.fail(&exhausted());
                decision
            };
            all.decisions.push(decision);
        }
        all.warnings = warnings(&all.decisions);
        if all.decisions.iter().any(Decision::denies) {
            all.denial = Some(Denial::from_decisions(all.decisions.clone()));
        }
        all
    }
}

pub(crate) fn exhausted() -> Broken {
    let detail = "all places for policy calls were taken for too long; try again shortly";
    Broken { failure: Failure::PoolExhausted, detail: detail.into() }
}
