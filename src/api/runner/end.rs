//! The ways in which a job ends. A task that ends without one, as when it panics, is our fault: the job is never stuck.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use admission::{Admitted, Follower};
use journal::JournalError;
use model::{
    Artifact, ArtifactError, Callback, Cause, Committed, Ended, Job, JobId, JobSpec, Status, StepResult,
    Timing,
};
use supervise::{Collected, Order, Outcome};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::yield_now;
use tokio::time::sleep;

use super::Runner;
use super::recover::age;
use super::turn::{cancelled, stop};
use crate::admit;
use crate::callbacks::Callbacks;
use crate::held::Held;
use crate::store::Store;
use crate::store::live::{Finished, Live};
use crate::telemetry::{Telemetry, Trace};

pub(super) struct Ending {
    store: Store,
    callbacks: Callbacks,
    stopping: watch::Receiver<bool>,
    live: Arc<Live>,
    held: Option<Held>,
    follower: Option<Follower>,
    callback: Option<Callback>,
    steps: Vec<String>,
    telemetry: Telemetry,
    trace: Trace,
    over: bool,
}

impl Ending {
    pub(super) fn new(runner: &Runner, live: &Arc<Live>, admitted: &Admitted<JobSpec>, trace: Trace) -> Self {
        let mut ending = Self::of(runner, live, Some(admitted.spec()), trace);
        ending.follower = Some(admitted.follower().clone());
        ending
    }

    /// What is let go of before the end is told.
    pub(super) fn holding(mut self, held: Held) -> Self {
        self.held = Some(held);
        self
    }

    /// Of a job that no policy follows, and of which not even what it asked for may be known.
    pub(super) fn of(runner: &Runner, live: &Arc<Live>, spec: Option<&JobSpec>, trace: Trace) -> Self {
        let steps = spec.iter().flat_map(|spec| &spec.steps);
        Self {
            store: runner.store.clone(),
            callbacks: runner.callbacks.clone(),
            stopping: runner.stopping.subscribe(),
            live: Arc::clone(live),
            held: None,
            follower: None,
            callback: spec.and_then(|spec| spec.callback.clone()),
            steps: steps.map(|step| step.name.clone()).collect(),
            telemetry: runner.telemetry.clone(),
            trace,
            over: false,
        }
    }

    /// The journal did not take it, so nobody was given its id.
    pub(super) fn never_was(mut self) {
        self.over = true;
        self.store.remove(self.live.id);
    }

    /// It goes on, and its end is somebody else's.
    pub(super) fn not_yet(mut self) -> Trace {
        self.over = true;
        std::mem::take(&mut self.trace)
    }

    /// It is in the journal, and goes on with the next start of the server. Who waits for it is told how it stands.
    pub(super) fn left_waiting(mut self) {
        self.over = true;
        if let Some(job) = self.live.job() {
            self.live.tell(job, 0);
        }
    }

    /// The same, while this server goes on without being able to run it: whoever may order or limits its waiting still does.
    pub(super) async fn waits(self, mut inbox: mpsc::Receiver<Order>, patience: Option<Duration>) {
        self.live.park();
        let mut stopping = self.stopping.clone();
        tokio::select! {
            biased;
            () = cancelled(&mut inbox) => self.cancelled().await,
            () = stop(&mut stopping) => self.left_waiting(),
            () = self.expires(patience) => self.expired().await,
        }
    }

    async fn expires(&self, patience: Option<Duration>) {
        let waited = self.live.waits_since().map_or(Duration::ZERO, age);
        match patience {
            Some(patience) => sleep(patience.saturating_sub(waited)).await,
            None => std::future::pending().await,
        }
    }

    pub(super) async fn cancelled(self) {
        self.unstarted(Status::Cancelled, Cause::new("cancelled", "cancelled before it was started")).await;
    }

    pub(super) async fn expired(self) {
        let detail = "it waited for longer than `queue_timeout_ms`";
        self.unstarted(Status::Expired, Cause::new("queue", detail)).await;
    }

    pub(super) async fn broken(self, error: &JournalError) {
        tracing::error!(job_id = %self.live.id, "a job was not started, for the journal did not take it: {error}");
        let cause = Cause::new("sandbox", "the server could not write that it was started; its log has more");
        self.unstarted(Status::InternalError, cause).await;
    }

    /// No program of it ran, or none that counts.
    pub(super) async fn unstarted(self, status: Status, cause: Cause) {
        let known = self.live.job();
        let begun = |name: &String| known.iter().any(|job| job.steps.iter().any(|step| step.name == *name));
        let skipped = self.steps.iter().filter(|name| !begun(name)).cloned().collect();
        let timing = known.as_ref().map_or_else(Timing::default, |job| job.timing);
        self.finish(plain(status, cause, skipped, timing)).await;
    }

    /// It was on record then that the job began.
    pub(super) fn recorded(&mut self, at: Option<SystemTime>) {
        self.trace.recorded(at);
    }

    pub(super) async fn ended(mut self, outcome: Outcome, committed: Option<Committed>) {
        let Outcome {
            status,
            cause,
            steps,
            artifacts,
            artifact_errors,
            policy,
            warnings,
            isolation: _,
            built,
            timing,
            again: _,
        } = outcome;
        self.trace.built(built);
        let id = self.live.id;
        if status == Status::Denied
            && let Some(decision) = admit::denials(&policy).next()
        {
            admit::log(id, decision);
        }
        let (artifacts, artifact_errors) = self.keep(id, artifacts, artifact_errors).await;
        let (admit_us, queue_us) = self.live.before();
        let timing = Timing { admit_us, queue_us, ..timing };
        let skipped = skipped(&steps);
        let ended =
            Ended { status, cause, skipped, artifacts, artifact_errors, committed, policy, warnings, timing };
        self.finish(ended).await;
    }

    async fn keep(
        &self,
        id: JobId,
        collected: Vec<Collected>,
        mut errors: Vec<ArtifactError>,
    ) -> (Vec<Artifact>, Vec<ArtifactError>) {
        if collected.is_empty() {
            return (Vec::new(), errors);
        }
        let journal = self.store.journal.clone();
        let stored = tokio::task::spawn_blocking(move || {
            let mut kept = Vec::new();
            for Collected { artifact, contents } in collected {
                match journal.blobs().put(&contents) {
                    Ok(_) => kept.push(artifact),
                    Err(error) => {
                        tracing::error!(job_id = %id, "an artifact is lost: {error}");
                        let detail = "the server could not store it".into();
                        errors.push(ArtifactError { path: artifact.path, code: "not_stored".into(), detail });
                    }
                }
            }
            (kept, errors)
        });
        stored.await.unwrap_or_else(|error| {
            tracing::error!(job_id = %id, "artifacts are lost: {error}");
            let detail = "the server failed while it stored them".into();
            (Vec::new(), vec![ArtifactError { path: String::new(), code: "incomplete".into(), detail }])
        })
    }

    async fn finish(mut self, ended: Ended) {
        // Whoever hears of the end may remove the image or a volume at once.
        if let Some(held) = self.held.take() {
            held.end();
        }
        let Finished { commit, job, last } = self.finished(ended);
        if let Err(error) = commit.await {
            self.owed(&job, &error).await;
        }
        self.live.close(&self.store.journal);
        self.store.remove(job.id);
        let told = SystemTime::now();
        self.tell(&job, last);
        // What follows is nobody's to wait for: those who were told now may be next in line behind this very task.
        yield_now().await;
        self.telemetry.ended(&job);
        std::mem::take(&mut self.trace).ended(told, &self.telemetry, &job, || self.live.history());
    }

    /// On a full disk the journal writes it later. Until then the job is here alone, and nobody hears of its end.
    async fn owed(&self, job: &Job, error: &JournalError) {
        tracing::error!(job_id = %job.id, "the end of a job is not written yet: {error}");
        if let Err(error) = self.store.journal.settled().await {
            tracing::error!(job_id = %job.id, "the end of a job is not written: {error}");
        }
    }

    fn finished(&mut self, ended: Ended) -> Finished {
        self.over = true;
        self.live.finish(ended, &self.store.journal, self.callback.as_ref())
    }

    /// Whoever has it drops it but once.
    fn taken_over(&mut self) -> Self {
        Self {
            store: self.store.clone(),
            callbacks: self.callbacks.clone(),
            stopping: self.stopping.clone(),
            live: Arc::clone(&self.live),
            held: self.held.take(),
            follower: self.follower.take(),
            callback: self.callback.take(),
            steps: std::mem::take(&mut self.steps),
            telemetry: self.telemetry.clone(),
            trace: std::mem::take(&mut self.trace),
            over: true,
        }
    }

    fn tell(&self, job: &Arc<Job>, last: u64) {
        self.live.tell(Arc::clone(job), last);
        if self.callback.is_some() {
            self.callbacks.wake();
        }
        if let Some(follower) = &self.follower {
            // Nobody who waits for the job should wait for this as well.
            follower.exited(job);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // The next start of the server knows what becomes of a job that ran.
        if self.over || *self.stopping.borrow() {
            return;
        }
        tracing::error!(job_id = %self.live.id, "the task of job {} ended without an outcome", self.live.id);
        let Ok(runtime) = Handle::try_current() else { return };
        let cause = Cause::new("sandbox", "the server failed while it ran this job; its log has more");
        // In a task of its own: nobody may wait here, and a second panic would end the server.
        runtime.spawn(self.taken_over().unstarted(Status::InternalError, cause));
    }
}

fn plain(status: Status, cause: Cause, skipped: Vec<String>, timing: Timing) -> Ended {
    Ended {
        status,
        cause: Some(cause),
        skipped,
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        committed: None,
        policy: Vec::new(),
        warnings: Vec::new(),
        timing,
    }
}

fn skipped(steps: &[StepResult]) -> Vec<String> {
    steps.iter().filter(|step| step.status == Status::Skipped).map(|step| step.name.clone()).collect()
}

#[cfg(test)]
mod tests;
