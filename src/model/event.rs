//! What happened to a job, in order. Everything that is answered about a job follows from its events: see [`Job::apply`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Artifact, ArtifactError, CaseResult, Cause, Committed, Decision, Decisions, JobId, Receipt, Status,
    StepResult, Timing,
};

/// One thing that happened to a job, by its `type`. Numbered from 1 within a job, without gaps: the number is the id of the server-sent event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    #[schemars(range(min = 1))]
    pub seq: u64,
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: Happened,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Happened {
    /// It was taken in and will have an end.
    Accepted(Box<Accepted>),
    /// The policies were asked again, after a restart or for a further attempt.
    Judged { policy: Vec<Decision>, warnings: Vec<String> },
    /// It has its place among the running jobs. The number of the attempt, from 1.
    Started { attempt: u32, queue_us: u64 },
    /// The sandbox stands.
    Ready { isolation: Box<Receipt>, setup_us: u64 },
    /// A step began.
    StepStarted { step: String },
    /// A piece of what a step printed.
    Output(Chunk),
    /// Without what it printed, which the `output` events have told.
    StepEnded { step: Box<StepResult> },
    /// Of a step with cases: in the order in which they end. `index` is the place among the step's `cases`, from 0.
    CaseEnded { step: String, index: u32, case: Box<CaseResult> },
    /// Its processes stand still.
    Paused,
    /// And go on.
    Resumed,
    /// By policies that follow the job.
    Noted { labels: BTreeMap<String, String>, annotations: BTreeMap<String, String> },
    /// The host was lost under it, and it waits for another attempt.
    Requeued { reason: String },
    /// The last one.
    Ended(Box<Ended>),
}

/// What was known when the job was taken in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    pub id: JobId,
    pub tenant: String,
    /// Who sent it: a token's name, `anonymous`, or a local user.
    pub submitter: String,
    pub labels: BTreeMap<String, String>,
    pub priority: i32,
    #[schemars(with = "Vec<Decision>")]
    pub policy: Decisions,
    pub warnings: Vec<String>,
    pub admit_us: u64,
    /// The job's span, or its sender's where nothing is traced: the `traceparent` of the W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Where it was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// A piece of what a step printed. Pieces of one stream come in order; where the offset is beyond the end of the piece
/// before, what is missing was more than `output_bytes` and was dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chunk {
    pub step: String,
    pub stream: Stream,
    /// Of its first byte, counted in bytes printed.
    pub offset: u64,
    /// Its bytes, written as `encoding` says.
    pub text: String,
    /// `utf-8`, or `base64` where the bytes are not UTF-8.
    #[schemars(extend("enum" = ["utf-8", "base64"]))]
    pub encoding: String,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ended {
    pub status: Status,
    pub cause: Option<Cause>,
    /// Steps that were never started.
    pub skipped: Vec<String>,
    pub artifacts: Vec<Artifact>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifact_errors: Vec<ArtifactError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<Committed>,
    /// Of the policies that looked at the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy: Vec<Decision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    pub timing: Timing,
}

impl Happened {
    /// The name of the server-sent event, the same as `type`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Judged { .. } => "judged",
            Self::Started { .. } => "started",
            Self::Ready { .. } => "ready",
            Self::StepStarted { .. } => "step_started",
            Self::Output(_) => "output",
            Self::StepEnded { .. } => "step_ended",
            Self::CaseEnded { .. } => "case_ended",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Noted { .. } => "noted",
            Self::Requeued { .. } => "requeued",
            Self::Ended(_) => "ended",
        }
    }
}
