//! The words of Stockade: what a caller asks for, what runs, and what is answered.
//!
//! Serde types and pure checks only, no IO. The way of a job through these types:
//! [`JobRequest`] (as sent) → [`JobRequest::check`] → [`JobSpec`] (every default filled in, every value within the
//! host's caps) → the sandbox → [`Job`] (the answer).

mod cgroup;
mod check;
mod chunk;
mod content;
mod decision;
mod decisions;
mod event;
mod fold;
mod id;
mod image;
mod job;
mod json;
mod limits;
mod receipt;
mod request;
mod schema;
mod spec;
mod status;
mod text;

pub use cgroup::{CgroupLimits, GroupUsage};
pub use check::{FieldError, HostPolicy};
pub use content::Content;
pub use decision::{Decision, Failure, Hook, Mode, PatchOp, RefusedPatch, Ruling};
pub use decisions::Decisions;
pub use event::{Accepted, Chunk, Ended, Event, Happened, Stream};
pub use fold::Printed;
pub use id::JobId;
pub use image::{HOST_IMAGE, Image};
pub use job::{Artifact, ArtifactError, CaseResult, Committed, Job, Output, StepResult, Timing, Usage};
pub use json::{ReadError, read};
pub use limits::{LIMIT_NAMES, Limits, LimitsRequest};
pub use receipt::{
    CgroupReceipt, IdMapKind, IdMapReceipt, ImageReceipt, Receipt, SeccompReceipt, VolumeReceipt,
};
pub use request::{
    CallbackRequest, CaseRequest, CheckerRequest, CommitRequest, Compare, ExpectRequest, FileRequest, Input,
    JobRequest, Network, NetworkMode, OnOutputLimit, RetryRequest, StepRequest, VolumeRequest,
};
pub use spec::{Callback, CaseSpec, CommitSpec, Expect, FileSpec, JobSpec, Judge, StepSpec, VolumeSpec};
pub use status::{Cause, Status};
pub use text::pointer;
