//! Asks the policies about a job, and tells the log of their denials.

use admission::{About, Admission, Denial, Facts, Verdict};
use jiff::Timestamp;
use model::{Decision, JobId, JobSpec, Ruling};

use crate::edge::RequestId;
use crate::records::{Records, Seat};
use crate::runner::memory;

/// There are no tenants yet, and nobody says who they are.
const TENANT: &str = "default";
const SUBMITTER: &str = "anonymous";

/// Takes a job to its verdict. Where there are policies it gets a seat among the jobs that others are decided by, to be
/// kept until the job is on record.
pub(crate) fn admit(
    admission: &Admission,
    records: &Records,
    spec: JobSpec,
    request: RequestId,
) -> (Verdict, Option<Seat>) {
    if admission.is_empty() {
        return (admission.admit(spec, about(request, Facts::default())), None);
    }
    let (facts, seat) = records.sit_down(TENANT, memory(&spec));
    let about = about(request, facts);
    let id = about.id;
    let verdict = ask(admission, spec, about, Admission::admit);
    if let Verdict::Denied(denial) = &verdict
        && let Some(decision) = denials(&denial.decisions).find(|decision| decides(denial, decision))
    {
        log(id, decision);
    }
    (verdict, Some(seat))
}

/// What a job would be told now, with what was known about it. There will be no such job, so it gets no seat.
pub(crate) fn preview(
    admission: &Admission,
    records: &Records,
    spec: JobSpec,
    request: RequestId,
) -> Verdict {
    ask(admission, spec, about(request, records.facts()), Admission::preview)
}

/// Policies compute, and may do so for as long as their timeouts allow: whatever else waits for this thread goes to
/// another. Here and not on a blocking thread, which would cost as much as the policies themselves to get there and back.
fn ask(
    admission: &Admission,
    spec: JobSpec,
    about: About,
    how: fn(&Admission, JobSpec, About) -> Verdict,
) -> Verdict {
    tokio::task::block_in_place(|| how(admission, spec, about))
}

fn about(request: RequestId, facts: Facts) -> About {
    About {
        id: JobId::new(),
        tenant: TENANT.into(),
        submitter: SUBMITTER.into(),
        request_id: request.to_string(),
        now: Timestamp::now(),
        facts,
    }
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
