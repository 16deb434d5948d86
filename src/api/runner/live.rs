//! A job from its admission to its end, on its record.

use std::collections::BTreeMap;
use std::time::Duration;

use admission::{Admitted, Follower};
use axum::body::Bytes;
use jiff::Timestamp;
use model::{Accepted, Cause, Job, JobSpec, Status, Timing};
use supervise::Outcome;
use tokio::sync::OwnedRwLockReadGuard;

use crate::admit;
use crate::records::{Records, Seat, Snapshot};

/// A job that was let through, as its record begins.
#[derive(Debug)]
pub(crate) struct Entry {
    job: Job,
    follower: Follower,
    pub(super) memory: u64,
    pub(super) seat: Option<Seat>,
}

impl Entry {
    /// `admit` is what it took to get here.
    pub(crate) fn new(admitted: &Admitted<JobSpec>, seat: Option<Seat>, admit: Duration) -> Self {
        let (spec, about) = (admitted.spec(), admitted.about());
        let accepted = Accepted {
            id: about.id,
            tenant: about.tenant.clone(),
            submitter: about.submitter.clone(),
            labels: spec.labels.clone(),
            priority: spec.priority,
            policy: admitted.decisions().to_vec(),
            warnings: admitted.warnings().to_vec(),
            admit_us: micros(admit),
        };
        let job = Job::accepted(Timestamp::now(), accepted);
        Self { job, follower: admitted.follower().clone(), memory: memory(spec), seat }
    }

    pub(super) fn job(&self) -> &Job {
        &self.job
    }

    pub(super) fn live(self, records: Records, held: Option<OwnedRwLockReadGuard<()>>) -> Live {
        Live { records, follower: self.follower, job: Some(self.job), _held: held }
    }
}

/// Steps run one after the other, so the largest is what the host must have.
pub(crate) fn memory(spec: &JobSpec) -> u64 {
    spec.steps.iter().map(|step| step.limits.memory_bytes).max().unwrap_or(0)
}

/// A job that has not ended. Dropped before that, as when its task panics, it ends as our fault: never stuck.
#[derive(Debug)]
pub(super) struct Live {
    records: Records,
    follower: Follower,
    /// Gone once the job has ended.
    job: Option<Job>,
    /// Keeps the server from ending before the job has.
    _held: Option<OwnedRwLockReadGuard<()>>,
}

impl Live {
    pub(super) fn running(&mut self, queue: Duration) {
        let Some(job) = &mut self.job else { return };
        job.status = Status::Running;
        job.started_at = Some(Timestamp::now());
        job.timing.queue_us = micros(queue);
        self.records.update(Snapshot { job: job.clone(), contents: BTreeMap::new() });
    }

    pub(super) fn cancelled(mut self, queue: Duration) {
        let Some(mut job) = self.job.take() else { return };
        job.timing.queue_us = micros(queue);
        job.cause = Some(Cause::new("cancelled", "cancelled before it was started"));
        self.finish(job, Status::Cancelled, BTreeMap::new());
    }

    pub(super) fn ended(mut self, outcome: Outcome) {
        let Some(mut job) = self.job.take() else { return };
        let Outcome { status, cause, steps, artifacts, artifact_errors, policy, warnings, isolation, timing } =
            outcome;
        if status == Status::Denied
            && let Some(decision) = admit::denials(&policy).next()
        {
            admit::log(job.id, decision);
        }
        job.cause = cause;
        job.steps = steps;
        job.artifact_errors = artifact_errors;
        job.policy.extend(policy);
        job.warnings.extend(warnings);
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
        if let Some(kept) = self.records.finish(Snapshot { job, contents }) {
            // After the record: nobody who waits for the job should wait for this as well.
            self.follower.exited(&kept.job);
        }
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

pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
