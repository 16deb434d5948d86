//! Asks the policies about a job, and tells the log of their denials.

use admission::{About, Denial, Facts, Verdict};
use jiff::Timestamp;
use model::{Decision, JobId, JobSpec, Ruling};
use schedule::{Load, Queue, Seat};

use crate::caller::Caller;
use crate::edge::RequestId;
use crate::router::App;

/// Takes a job to its verdict. Where there are policies it gets a seat among the jobs that others are decided by, to be
/// kept until it is in the queue.
pub(crate) fn admit(
    app: &App,
    spec: JobSpec,
    request: RequestId,
    caller: &Caller,
) -> (Verdict, Option<Seat>) {
    let admission = &app.admission;
    if admission.is_empty() {
        return (admission.admit(spec, about(request, caller, Facts::default())), None);
    }
    let memory = spec.steps.iter().map(|step| step.limits.memory_bytes).max().unwrap_or(0);
    let seat = app.runner.queue.seat(&caller.tenant, memory);
    let about = about(request, caller, known(seat.before()));
    let id = about.id;
    let verdict = admission.admit(spec, about);
    if let Verdict::Denied(denial) = &verdict
        && let Some(decision) = denials(&denial.decisions).find(|decision| decides(denial, decision))
    {
        log(id, decision);
    }
    (verdict, Some(seat))
}

/// What a job would be told now, with what was known about it. There will be no such job, so it gets no seat.
pub(crate) fn preview(app: &App, spec: JobSpec, request: RequestId, caller: &Caller) -> Verdict {
    app.admission.preview(spec, about(request, caller, facts(&app.runner.queue)))
}

/// Policies compute, and may do so for as long as their timeouts allow: where one does, whatever else waits for this thread
/// goes to another. Not the policies to a blocking thread: to get there and back would cost as much as they do.
pub fn aside(work: &mut dyn FnMut()) {
    tokio::task::block_in_place(work);
}

fn about(request: RequestId, caller: &Caller, facts: Facts) -> About {
    About {
        id: JobId::new(),
        tenant: caller.tenant.clone(),
        submitter: caller.submitter.clone(),
        request_id: request.to_string(),
        now: Timestamp::now(),
        facts,
    }
}

/// What policies may know of other jobs.
pub(crate) fn facts(queue: &Queue) -> Facts {
    known(&queue.load())
}

fn known(load: &Load) -> Facts {
    let mut facts = Facts::default();
    for (tenant, load) in &load.tenants {
        if load.queued > 0 {
            facts.queued_jobs.insert(tenant.clone(), load.queued);
        }
        if load.running > 0 {
            facts.running_jobs.insert(tenant.clone(), load.running);
            facts.reserved_memory_bytes.insert(tenant.clone(), load.reserved_memory_bytes);
        }
    }
    facts
}

/// Of all decisions those that each keep the job from running.
pub(crate) fn denials(decisions: &[Decision]) -> impl Iterator<Item = &Decision> {
    decisions.iter().filter(|decision| decision.denies())
}

fn decides(denial: &Denial, decision: &Decision) -> bool {
    decision.policy == denial.policy && decision.code.as_deref() == Some(&denial.code)
}

/// The one line about a denied job. A policy that says no does its work; one that gives no answer is to be mended.
pub(crate) fn log(job_id: JobId, decision: &Decision) {
    let (policy, hook) = (&decision.policy, decision.hook.word());
    let code = decision.code.as_deref().unwrap_or_default();
    let reason = decision.reason.as_deref().unwrap_or_default();
    if decision.verdict == Ruling::Error {
        tracing::warn!(%job_id, policy, code, hook, "job denied, for a policy failed: {reason}");
    } else {
        tracing::info!(%job_id, policy, code, hook, "job denied: {reason}");
    }
}
