use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::schema;
use crate::{Cause, Decision, Decisions, Event, Happened, JobId, Receipt, Status};

/// A job as answered by `GET /jobs/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    pub id: JobId,
    pub status: Status,
    /// Whose job it is.
    pub tenant: String,
    /// How often it was started, so far.
    #[serde(default)]
    pub attempt: u32,
    /// Held back by `POST /jobs/{id}/pause`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// As in the request.
    #[serde(default)]
    pub priority: i32,
    /// Of the request, and what policies have added.
    pub labels: BTreeMap<String, String>,
    pub created_at: Timestamp,
    /// Of the last attempt; `null` while it waits.
    pub started_at: Option<Timestamp>,
    /// `null` while `status` is `queued` or `running`.
    pub finished_at: Option<Timestamp>,
    /// `null` where there is nothing to explain.
    pub cause: Option<Cause>,
    /// Those that have begun, in order; after the end also those that were `skipped`.
    pub steps: Vec<StepResult>,
    /// What matched the globs of the request, with the digest of each.
    pub artifacts: Vec<Artifact>,
    /// Files that matched `artifacts` and could not be collected, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifact_errors: Vec<ArtifactError>,
    /// The image that was made of what the job changed, where it asked for one and succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Committed>,
    /// What the policies decided, in the order they were asked.
    #[serde(default)]
    #[schemars(with = "Vec<Decision>")]
    pub policy: Decisions,
    /// What policies have to say to whoever sent the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What policies that follow the job have noted down about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The receipt; `null` until the sandbox stands.
    pub isolation: Option<Receipt>,
    pub timing: Timing,
    /// The job's span, or its sender's where nothing is traced: the `traceparent` of the W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// An image made from a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Committed {
    /// Its whole name.
    pub reference: String,
    /// Of its manifest.
    #[schemars(regex(pattern = crate::schema::DIGEST))]
    pub digest: String,
}

/// How one step went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepResult {
    pub name: String,
    pub status: Status,
    /// `null` where it did not end by itself, and for a step with cases.
    pub exit_code: Option<i32>,
    /// Such as `SIGSEGV`.
    pub signal: Option<String>,
    pub cause: Option<Cause>,
    pub stdout: Output,
    pub stderr: Output,
    /// Of all cases together, where there are any: times added up, the largest of each peak.
    pub usage: Usage,
    /// In the order of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseResult>,
}

/// One run of a step's command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CaseResult {
    pub name: String,
    pub status: Status,
    pub exit_code: Option<i32>,
    pub signal: Option<String>,
    pub cause: Option<Cause>,
    pub stdout: Output,
    pub stderr: Output,
    pub usage: Usage,
    /// What the checker printed to its stdout, else to its stderr, cut to 1024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checker: Option<String>,
}

/// What a step printed. Head and tail are kept when it was more than allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The kept bytes, written as `encoding` says.
    pub text: String,
    /// `utf-8`, or `base64` where the bytes are not UTF-8.
    #[schemars(extend("enum" = ["utf-8", "base64"]))]
    pub encoding: String,
    /// Bytes printed, kept or not.
    pub bytes: u64,
    /// Whether bytes between head and tail were dropped.
    pub truncated: bool,
}

/// Resources of one step. `null` where no controller could count it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    pub cpu_time_us: Option<u64>,
    pub user_us: Option<u64>,
    pub system_us: Option<u64>,
    /// Without the time that it was paused.
    pub wall_time_us: u64,
    pub memory_peak_bytes: Option<u64>,
    pub pids_peak: Option<u64>,
    pub throttled_us: Option<u64>,
    /// Held by `/workspace`, `/tmp` and `/dev/shm` when the step ended.
    pub disk_bytes: Option<u64>,
}

/// A collected file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Relative to `/workspace`.
    pub path: String,
    pub bytes: u64,
    /// `sha256:…` of the contents.
    #[schemars(regex(pattern = schema::DIGEST))]
    pub digest: String,
}

/// A file that could not be collected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactError {
    pub path: String,
    /// Stable word: `incomplete` (with an empty path), `not_regular`, `not_stored`, `not_utf8`, `too_large`, `too_many`, `unreadable`.
    #[schemars(extend("enum" = ["incomplete", "not_regular", "not_stored", "not_utf8", "too_large", "too_many", "unreadable"]))]
    pub code: String,
    /// One sentence for a person.
    pub detail: String,
}

/// Where the time of a job went, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Checks and policies.
    pub admit_us: u64,
    /// Waiting for its turn.
    pub queue_us: u64,
    /// Making the sandbox.
    pub setup_us: u64,
    /// All steps.
    pub run_us: u64,
    /// Collecting artifacts.
    pub collect_us: u64,
}

impl Job {
    /// What its steps and cases printed stays out, how much it was stays. The texts, which are its bulk, are not copied to
    /// be left out.
    #[must_use]
    pub fn without_outputs(&self) -> Self {
        Self {
            id: self.id,
            status: self.status,
            tenant: self.tenant.clone(),
            attempt: self.attempt,
            paused: self.paused,
            priority: self.priority,
            labels: self.labels.clone(),
            created_at: self.created_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            cause: self.cause.clone(),
            steps: self.steps.iter().map(StepResult::without_outputs).collect(),
            artifacts: self.artifacts.clone(),
            artifact_errors: self.artifact_errors.clone(),
            committed: self.committed.clone(),
            policy: self.policy.clone(),
            warnings: self.warnings.clone(),
            annotations: self.annotations.clone(),
            isolation: self.isolation.clone(),
            timing: self.timing,
            traceparent: self.traceparent.clone(),
        }
    }

    /// What a list needs beside the job's first event: no outputs, and no decisions where that has all of them.
    #[must_use]
    pub fn summary(&self, first: &Event) -> Self {
        let mut summary = self.without_outputs();
        if let Happened::Accepted(accepted) = &first.what
            && summary.policy == accepted.policy
        {
            summary.policy = Decisions::default();
        }
        summary
    }
}

impl StepResult {
    /// Of a step that has nothing to show for itself: it has just begun, or never does.
    pub fn new(name: impl Into<String>, status: Status) -> Self {
        Self {
            name: name.into(),
            status,
            exit_code: None,
            signal: None,
            cause: None,
            stdout: Output::nothing(),
            stderr: Output::nothing(),
            usage: Usage::default(),
            cases: Vec::new(),
        }
    }

    fn without_outputs(&self) -> Self {
        let cases = self.cases.iter().map(CaseResult::without_outputs).collect();
        Self { cases, ..self.alone() }
    }

    /// Without what it printed and without its cases, which have events of their own.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self {
            name: self.name.clone(),
            status: self.status,
            exit_code: self.exit_code,
            signal: self.signal.clone(),
            cause: self.cause.clone(),
            stdout: self.stdout.counted(),
            stderr: self.stderr.counted(),
            usage: self.usage,
            cases: Vec::new(),
        }
    }
}

impl CaseResult {
    /// Of a case that has nothing to show for itself.
    pub fn new(name: impl Into<String>, status: Status) -> Self {
        Self {
            name: name.into(),
            status,
            exit_code: None,
            signal: None,
            cause: None,
            stdout: Output::nothing(),
            stderr: Output::nothing(),
            usage: Usage::default(),
            checker: None,
        }
    }

    /// What the checker said stays: it is short, and says why.
    fn without_outputs(&self) -> Self {
        Self {
            name: self.name.clone(),
            status: self.status,
            exit_code: self.exit_code,
            signal: self.signal.clone(),
            cause: self.cause.clone(),
            stdout: self.stdout.counted(),
            stderr: self.stderr.counted(),
            usage: self.usage,
            checker: self.checker.clone(),
        }
    }
}

impl Output {
    fn nothing() -> Self {
        Self { encoding: "utf-8".into(), ..Self::default() }
    }

    /// How much it was, and of what kind, without the text.
    fn counted(&self) -> Self {
        let (bytes, truncated) = (self.bytes, self.truncated);
        Self { text: String::new(), encoding: self.encoding.clone(), bytes, truncated }
    }
}

#[cfg(test)]
mod tests;
