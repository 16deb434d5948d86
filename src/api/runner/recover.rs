//! Jobs that an earlier server took in and did not see the end of: those that wait go on, those that ran are lost, or run
//! again where they may.

use std::sync::Arc;
use std::time::Duration;

use admission::{About, Admission, Admitted, Verdict};
use jiff::Timestamp;
use journal::Unfinished;
use model::{Cause, Happened, JobSpec, Status};
use schedule::Ask;
use tokio::sync::mpsc;

use super::begin::Begin;
use super::end::Ending;
use super::turn::Turn;
use super::{ORDERS, Runner, Task};
use crate::admit::facts;
use crate::blobs::refill;
use crate::held::Held;
use crate::jobs::create::ask;
use crate::store::live::Live;
use crate::telemetry::Trace;

/// Why a job does not go on.
struct Over(Status, Box<Cause>);

impl Runner {
    /// In the order in which they were taken in. To be called once, before the first request.
    pub(crate) async fn recover(&self, admission: &Admission, unfinished: Vec<Unfinished>) {
        if !unfinished.is_empty() {
            tracing::info!(jobs = unfinished.len(), "taking up jobs of an earlier run");
        }
        for job in unfinished {
            self.take_up(admission, job).await;
        }
    }

    async fn take_up(&self, admission: &Admission, unfinished: Unfinished) {
        let Unfinished { id, tenant, submitter, events, spec } = unfinished;
        let (orders, inbox) = mpsc::channel(ORDERS);
        let live = Arc::new(Live::new(id, &tenant, events, orders));
        self.store.add(Arc::clone(&live));
        let about = About {
            id,
            tenant,
            submitter,
            request_id: String::new(),
            now: Timestamp::now(),
            facts: facts(&self.queue),
        };
        let job = live.job();
        let trace = self.telemetry.resume(job.as_ref().and_then(|job| job.traceparent.as_deref()));
        let ending = Ending::of(self, &live, spec.as_ref(), trace);
        match self.again(admission, &live, spec, about).await {
            Err(Over(status, cause)) => ending.unstarted(status, *cause).await,
            Ok((admitted, attempt)) => {
                let trace = ending.not_yet();
                self.go_on(live, admitted, (attempt, trace), inbox).await;
            }
        }
    }

    /// Asks the policies again: those in force now have never seen it.
    async fn again(
        &self,
        admission: &Admission,
        live: &Live,
        spec: Option<JobSpec>,
        about: About,
    ) -> Result<(Admitted<JobSpec>, u32), Over> {
        let job = live.job().ok_or_else(|| ours("its history has no beginning"))?;
        let mut spec = spec.ok_or_else(|| ours("this version does not know what it asked for"))?;
        if job.status == Status::Running {
            if job.attempt >= spec.max_attempts {
                let detail =
                    "the server ended while the job ran; it may run again where `retry.max_attempts` says so";
                return Err(Over(Status::Lost, Box::new(Cause::new("lost", detail))));
            }
            live.happened(Happened::Requeued { reason: "the server ended while the job ran".into() });
        }
        refill(&mut spec, &self.store).await.map_err(|problem| ours(problem.cause()))?;
        match admission.admit(spec, about) {
            Verdict::Denied(denial) => {
                let (policy, code) = (Some(denial.policy), Some(denial.code));
                live.happened(Happened::Judged { policy: denial.decisions, warnings: denial.warnings });
                let cause = Cause { policy, code, ..Cause::new("policy", denial.reason) };
                Err(Over(Status::Denied, Box::new(cause)))
            }
            Verdict::Admitted(mut admitted) => {
                let (policy, warnings) = admitted.take_said();
                if !policy.is_empty() || !warnings.is_empty() {
                    live.happened(Happened::Judged { policy: policy.to_vec(), warnings });
                }
                Ok((admitted, job.attempt + 1))
            }
        }
    }

    async fn go_on(
        &self,
        live: Arc<Live>,
        admitted: Admitted<JobSpec>,
        (attempt, trace): (u32, Trace),
        inbox: mpsc::Receiver<supervise::Order>,
    ) {
        let held = Held::again(&self.images, &live.tenant, admitted.spec()).await;
        let held = held.map_err(|problem| ours(problem.cause()));
        let place = held.and_then(|held| {
            let plan = self.supervisor.plan(admitted.spec(), held.sources());
            let plan = plan.map_err(|error| ours(&error.to_string()))?;
            let waited = live.waits_since().map_or(Duration::ZERO, age);
            let ask = Ask { counted: false, ..ask(&admitted, waited) };
            let ticket = self.queue.submit(ask).map_err(|refused| ours(&refused.to_string()))?;
            Ok((held, plan, ticket))
        });
        let (held, plan, ticket) = match place {
            Ok(place) => place,
            Err(Over(status, cause)) => {
                return Ending::new(self, &live, &admitted, trace).unstarted(status, *cause).await;
            }
        };
        let turn = Turn::of(ticket);
        if let Turn::Now(_) = turn {
            live.happened(Happened::Started { attempt, queue_us: 0 });
        }
        let (begin, admitted, room) = (Begin::Known, Arc::new(admitted), None);
        self.spawn(Task { live, begin, admitted, held, plan, turn, inbox, room, attempt, trace });
    }
}

fn ours(detail: &str) -> Over {
    let detail = format!("the job could not go on after a restart: {detail}");
    Over(Status::InternalError, Box::new(Cause::new("sandbox", detail)))
}

pub(super) fn age(since: Timestamp) -> Duration {
    Duration::try_from(Timestamp::now().duration_since(since)).unwrap_or_default()
}
