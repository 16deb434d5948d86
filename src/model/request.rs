use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::LimitsRequest;
use crate::check::cases::MAX_CASES;
use crate::check::{MAX_ARTIFACT_PATTERNS, MAX_FILES, MAX_LABELS, MAX_PATH, MAX_STEPS, MAX_VOLUMES};
use crate::schema;

/// The body of `POST /jobs`. Unknown fields are refused; so is every known field that this host cannot honour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = schema::command_or_steps)]
pub struct JobRequest {
    /// Root filesystem: `host` (the default) is a read-only view of the machine's own `/usr`, anything else names an image that
    /// this host has, such as `python:3.13`, `ghcr.io/acme/tool@sha256:…` or a manifest's digest alone.
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// Written to `/workspace` before the first step.
    #[schemars(length(max = MAX_FILES))]
    pub files: Vec<FileRequest>,
    /// Added to `PATH`, `HOME=/tmp` and `LANG=C.UTF-8`.
    #[schemars(transform = schema::variables)]
    pub env: BTreeMap<String, String>,
    /// Run one after another in one sandbox; the first that does not succeed ends the job.
    #[schemars(length(max = MAX_STEPS))]
    pub steps: Vec<StepRequest>,
    /// Short form of one step named `run`; not together with `steps`. With an image it may be left out: then the image's
    /// entrypoint and command are run. It stands in place of both.
    #[schemars(length(min = 1), transform = schema::command)]
    #[schemars(inner(length(max = schema::LARGEST_ARGUMENT), regex(pattern = schema::NO_NUL)))]
    pub command: Option<Vec<String>>,
    /// Goes with `command`.
    pub stdin: Option<Input>,
    pub limits: LimitsRequest,
    pub on_output_limit: OnOutputLimit,
    pub network: Network,
    /// Directories that outlive the job: caches, data. Made when they are first named.
    #[schemars(length(max = MAX_VOLUMES))]
    pub volumes: Vec<VolumeRequest>,
    /// Globs below `/workspace` to collect when the job has ended: `*` within a name, `**` across folders.
    #[schemars(length(max = MAX_ARTIFACT_PATTERNS))]
    #[schemars(inner(length(max = MAX_PATH), regex(pattern = schema::RELATIVE)))]
    pub artifacts: Vec<String>,
    /// Seccomp profile: `strict`, `default`, `build` or one the operator added.
    pub profile: Option<String>,
    /// `USER` or `USER:GROUP` inside the sandbox: numbers, or names that the image knows. When left out it is the image's
    /// own, and `1000` on `host`.
    #[schemars(length(max = 256), regex(pattern = schema::USER))]
    pub user: Option<String>,
    /// Absolute path inside the sandbox; the image's own when left out, else `/workspace`.
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::ABSOLUTE))]
    pub workdir: Option<String>,
    /// Kept with the job, and what lists of jobs are filtered by.
    #[schemars(extend("maxProperties" = MAX_LABELS), transform = schema::labels)]
    pub labels: BTreeMap<String, String>,
    /// Layers the job must not run without, such as `cgroup.memory` or `landlock>=4`.
    pub require: Vec<String>,
    /// Among the waiting jobs of one tenant the higher goes first: -100 to 100, `0` when left out.
    #[schemars(range(min = -100, max = 100))]
    pub priority: Option<i32>,
    pub retry: RetryRequest,
    /// A job that still waits after so many milliseconds ends as `expired`.
    #[schemars(range(min = 1, max = 604_800_000))]
    pub queue_timeout_ms: Option<u64>,
    /// Makes an image of the job's own and of what it has changed, once it has succeeded.
    pub commit: Option<CommitRequest>,
    /// Who is told when the job has ended.
    pub callback: Option<CallbackRequest>,
}

/// A named volume of the job's tenant and where the job sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["name", "path"]))]
pub struct VolumeRequest {
    #[schemars(regex(pattern = schema::VOLUME))]
    pub name: String,
    /// Absolute. On `host`, which is read-only: below `/workspace`, `/tmp`, `/mnt` or `/cache`, or one of the latter two.
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::ABSOLUTE))]
    pub path: String,
    pub read_only: bool,
}

/// A new image: the job's image and one more layer, with what was changed outside of `/workspace`, `/tmp` and volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["image"]))]
pub struct CommitRequest {
    /// Its name, such as `acme/app:1`.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
    /// Whether what is in `/workspace` is in it too.
    pub workspace: bool,
}

/// When a job may be run again: only after the host was lost under it, never after its own failure.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryRequest {
    /// Runs at most, the first included: 1 to 10, `1` when left out.
    #[schemars(range(min = 1, max = 10))]
    pub max_attempts: Option<u32>,
}

/// The finished job is posted there, signed as by Standard Webhooks (standardwebhooks.com) with `secret`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["url", "secret"]))]
pub struct CallbackRequest {
    /// `https://…`, or `http://…`; where it leads is checked when it is called.
    #[schemars(length(max = 2048), regex(pattern = schema::URL))]
    pub url: String,
    /// 24 to 64 bytes in base64, with or without the prefix `whsec_`.
    #[schemars(regex(pattern = "^(?:whsec_)?[A-Za-z0-9+/]{32,88}={0,2}$"))]
    pub secret: String,
}

/// One command of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["command"]))]
pub struct StepRequest {
    /// `step-0` and so on when left out.
    #[schemars(length(min = 1, max = 64), regex(pattern = schema::NAME))]
    pub name: Option<String>,
    /// Program and arguments; no shell is involved.
    #[schemars(length(min = 1), transform = schema::command)]
    #[schemars(inner(length(max = schema::LARGEST_ARGUMENT), regex(pattern = schema::NO_NUL)))]
    pub command: Vec<String>,
    pub stdin: Option<Input>,
    /// Added to the job's `env`, winning over it.
    #[schemars(transform = schema::variables)]
    pub env: BTreeMap<String, String>,
    /// What is left out is as the job's.
    #[schemars(transform = schema::without_disk)]
    pub limits: LimitsRequest,
    /// As the job's when left out.
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::ABSOLUTE))]
    pub workdir: Option<String>,
    /// As the job's when left out.
    pub profile: Option<String>,
    /// The command is run once for each, in a fresh sandbox over what the steps before have left in `/workspace`.
    #[schemars(length(max = MAX_CASES))]
    pub cases: Vec<CaseRequest>,
    /// Cases at one time, where the host has room: 1 to 64, `1` when left out.
    #[schemars(range(min = 1, max = 64))]
    pub parallel: Option<u32>,
    /// Cases after the first that does not succeed are `skipped`.
    pub fail_fast: bool,
}

/// One run of a step's command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CaseRequest {
    /// `case-0` and so on when left out.
    #[schemars(length(min = 1, max = 128), regex(pattern = schema::NO_CONTROL))]
    pub name: Option<String>,
    /// Added to the step's `command`.
    #[schemars(inner(length(max = schema::LARGEST_ARGUMENT), regex(pattern = schema::NO_NUL)))]
    pub args: Vec<String>,
    /// In place of the step's `stdin`.
    pub stdin: Option<Input>,
    /// Added to the step's `env`, winning over it.
    #[schemars(transform = schema::variables)]
    pub env: BTreeMap<String, String>,
    /// Lower than the step's; a higher one is refused.
    #[schemars(transform = schema::without_disk)]
    pub limits: LimitsRequest,
    pub expect: Option<ExpectRequest>,
}

/// What a case must print to succeed; without it, exit code 0 is enough.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectRequest {
    /// The text itself.
    pub stdout: Option<String>,
    /// In place of `stdout`: an uploaded blob's digest.
    #[schemars(regex(pattern = schema::DIGEST))]
    pub stdout_blob: Option<String>,
    pub compare: Compare,
    /// For `float`: the largest difference, absolute or relative to the expected number, `1e-6` when left out.
    #[schemars(range(min = 0, max = 1))]
    pub epsilon: Option<f64>,
    /// In place of `compare`.
    pub checker: Option<CheckerRequest>,
}

/// How what was printed is held against what was expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// Byte for byte.
    Exact,
    /// Without white space at the end of lines and empty lines at the end.
    #[default]
    Trim,
    /// The same words, however they are spaced.
    Tokens,
    /// As `tokens`, but numbers may differ by `epsilon`.
    Float,
}

/// A program that decides: called as testlib's are, with the paths of input, output and answer as its last arguments, in
/// a fresh sandbox over the same `/workspace`. Exit code 0 accepts, 1 and 2 refuse; anything else is the checker's own failure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["command"]))]
pub struct CheckerRequest {
    /// Program and first arguments.
    #[schemars(length(min = 1), transform = schema::command)]
    #[schemars(inner(length(max = schema::LARGEST_ARGUMENT), regex(pattern = schema::NO_NUL)))]
    pub command: Vec<String>,
    /// Lower than the step's; a higher one is refused.
    #[schemars(transform = schema::without_disk)]
    pub limits: LimitsRequest,
}

/// Bytes: `{"text": "…"}`, `{"base64": "…"}` or `{"blob": "sha256:…"}`, exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(transform = schema::one_source)]
pub struct Input {
    /// UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// RFC 4648 section 4, with padding.
    #[schemars(regex(pattern = schema::BASE64))]
    pub base64: Option<String>,
    /// Digest of an uploaded blob.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::DIGEST))]
    pub blob: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = schema::one_source)]
pub struct FileRequest {
    /// Relative to `/workspace`; missing folders are made.
    #[schemars(length(max = MAX_PATH), regex(pattern = schema::RELATIVE))]
    pub path: String,
    /// UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// RFC 4648 section 4, with padding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::BASE64))]
    pub base64: Option<String>,
    /// Digest of an uploaded blob.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::DIGEST))]
    pub blob: Option<String>,
    /// Octal, `0644` when left out; only the permission bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = schema::OCTAL))]
    pub mode: Option<String>,
}

/// What happens to a step that prints more than `output_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnOutputLimit {
    /// Keep the head and the tail, drop the middle, say `truncated`.
    #[default]
    Truncate,
    /// End the step as `output_exceeded`.
    Kill,
}

/// What the job can reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub mode: NetworkMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// A network namespace of its own with nothing but loopback.
    #[default]
    None,
}
