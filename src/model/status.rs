use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a job or a step stands. One set of words for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken in, and waits for its turn.
    Queued,
    Running,
    Succeeded,
    /// Ended by itself with an exit code other than 0, or could not be started (126, 127).
    Failed,
    /// Ended by a signal that Stockade did not send.
    Signaled,
    /// Beyond `wall_time_ms` or `cpu_time_ms`.
    TimedOut,
    MemoryExceeded,
    OutputExceeded,
    DiskExceeded,
    /// Ended well, and printed something else than was expected.
    WrongOutput,
    /// Ended by the seccomp filter.
    SecurityViolation,
    /// By a policy that looked at the container.
    Denied,
    Cancelled,
    /// Waited longer than `queue_timeout_ms`.
    Expired,
    /// The host was lost under it, and no attempt was left.
    Lost,
    /// Our fault, never the job's.
    InternalError,
    /// A step after one that did not succeed.
    Skipped,
}

impl Status {
    /// As serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Signaled => "signaled",
            Self::TimedOut => "timed_out",
            Self::MemoryExceeded => "memory_exceeded",
            Self::OutputExceeded => "output_exceeded",
            Self::DiskExceeded => "disk_exceeded",
            Self::WrongOutput => "wrong_output",
            Self::SecurityViolation => "security_violation",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Lost => "lost",
            Self::InternalError => "internal_error",
            Self::Skipped => "skipped",
        }
    }

    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// Why a status came about: enough to act on without reading a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cause {
    /// Stable word: `limit`, `signal`, `seccomp`, `exec`, `step`, `case`, `output`, `checker`, `sandbox`, `cancelled`, `queue`,
    /// `lost`, `policy`.
    #[schemars(extend("enum" = [
        "limit", "signal", "seccomp", "exec", "step", "case", "output", "checker", "sandbox", "cancelled", "queue", "lost",
        "policy",
    ]))]
    pub kind: String,
    /// One sentence for a person.
    pub detail: String,
    /// For `limit`: which one, by its name in `limits`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<String>,
    /// For `limit`: how far it went, in the limit's unit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<u64>,
    /// For `limit`: how far it may go.
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::Status;

    /// All words that the schema has, so that none is forgotten here.
    fn words(schema: &Value, found: &mut Vec<Value>) {
        match schema {
            Value::Object(keys) => {
                found.extend(keys.get("const").cloned());
                found.extend(keys.get("enum").and_then(Value::as_array).into_iter().flatten().cloned());
                keys.values().for_each(|value| words(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| words(value, found)),
            _ => (),
        }
    }

    #[test]
    fn a_word_is_the_status_as_serialised() {
        let mut all = Vec::new();
        words(schemars::schema_for!(Status).as_value(), &mut all);
        assert_eq!(all.len(), 17, "{all:?}");
        for word in all {
            let status: Status = serde_json::from_value(word.clone()).expect("a status");
            assert_eq!(word, status.word());
        }
    }
}
