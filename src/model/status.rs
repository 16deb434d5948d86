use serde::{Deserialize, Serialize};

/// How a job or a step stands. One set of words for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    Running,
    Succeeded,
    /// Ended by itself with an exit code other than 0, or could not be started (126, 127).
    Failed,
    /// Ended by a signal that Stockade did not send.
    Signaled,
    TimedOut,
    MemoryExceeded,
    OutputExceeded,
    DiskExceeded,
    WrongOutput,
    SecurityViolation,
    Denied,
    Cancelled,
    Expired,
    Lost,
    /// Our fault, never the job's.
    InternalError,
    /// A step after one that did not succeed.
    Skipped,
}

impl Status {
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Why a status came about: enough to act on without reading a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Stable word: `limit`, `signal`, `seccomp`, `exec`, `step`, `case`, `output`, `checker`, `sandbox`, `cancelled`, `queue`,
    /// `lost`, `policy`.
    pub kind: String,
    /// One sentence for a person.
    pub detail: String,
    /// For `limit`: which one, by its name in `limits`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub allowed: Option<u64>,
    /// For `step`: the name of the step that decided the job.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub step: Option<String>,
    /// The name of the case that decided the step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub case: Option<String>,
    /// For `policy`: which one, and the code it denied with.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// For `exec` and `sandbox`: the kernel's word, such as `ENOENT`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub errno: Option<String>,
}

impl Cause {
    pub fn new(kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            detail: detail.into(),
            limit: None,
            observed: None,
            allowed: None,
            step: None,
            case: None,
            policy: None,
            code: None,
            errno: None,
        }
    }

    pub fn limit(name: &str, observed: u64, allowed: u64, detail: impl Into<String>) -> Self {
        Self {
            limit: Some(name.into()),
            observed: Some(observed),
            allowed: Some(allowed),
            ..Self::new("limit", detail)
        }
    }
}
