use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::LimitsRequest;

/// The body of `POST /jobs`. Unknown fields are refused; so is every known field that this host cannot honour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobRequest {
    /// Root filesystem; `host` (the default) is a read-only view of the machine's own `/usr`.
    pub image: Option<String>,
    /// Written to `/workspace` before the first step.
    pub files: Vec<FileRequest>,
    pub env: BTreeMap<String, String>,
    /// Run one after another in one sandbox; the first that does not succeed ends the job.
    pub steps: Vec<StepRequest>,
    /// Short form of one step named `run`; not together with `steps`.
    pub command: Option<Vec<String>>,
    /// Goes with `command`.
    pub stdin: Option<Input>,
    pub limits: LimitsRequest,
    pub on_output_limit: OnOutputLimit,
    pub network: Network,
    /// Globs below `/workspace` to collect when the job has ended: `*` within a name, `**` across folders.
    pub artifacts: Vec<String>,
    /// Seccomp profile: `strict`, `default`, `build` or one the operator added.
    pub profile: Option<String>,
    /// Numeric user id inside the sandbox, `1000` when left out.
    pub user: Option<String>,
    /// Absolute path inside the sandbox, `/workspace` when left out.
    pub workdir: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Layers the job must not run without, such as `cgroup.memory` or `landlock>=4`.
    pub require: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepRequest {
    pub name: Option<String>,
    pub command: Vec<String>,
    pub stdin: Option<Input>,
    /// Added to the job's `env`, winning over it.
    pub env: BTreeMap<String, String>,
    pub limits: LimitsRequest,
    pub workdir: Option<String>,
    pub profile: Option<String>,
}

/// Bytes given inline: `{"text": "…"}` or `{"base64": "…"}`, exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRequest {
    /// Relative to `/workspace`; missing folders are made.
    pub path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// Octal, `0644` when left out; only the permission bits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// What happens to a step that prints more than `output_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnOutputLimit {
    /// Keep the head and the tail, drop the middle, say `truncated`.
    #[default]
    Truncate,
    /// End the step as `output_exceeded`.
    Kill,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    pub mode: NetworkMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkMode {
    /// A network namespace of its own with nothing but loopback.
    #[default]
    None,
}
