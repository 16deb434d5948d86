use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One answer of one policy about one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Its name in the bundle; empty where the bundle as a whole is meant.
    pub policy: String,
    /// `sha256:…` of the component that answered.
    pub digest: String,
    /// Of the set of policies: counts the loads since the daemon was started.
    pub generation: u64,
    pub hook: Hook,
    pub mode: Mode,
    pub verdict: Ruling,
    /// Stable word, for `deny` the policy's own, for `error` one of [`Failure`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    /// One sentence.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// JSON pointer into the job document.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// For `deny`: whether the same job may be admitted later.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub retryable: bool,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub warnings: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub annotations: BTreeMap<String, String>,
    /// What it changed, or outside of `enforce` would have changed, on the job document.
    pub patch: Vec<PatchOp>,
    /// Changes it asked for and was refused.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub refused: Vec<RefusedPatch>,
    /// About the job as it would be if the `warn` and `audit` policies were enforced.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub shadow: bool,
    /// The policy was not called: it would have asked what it had asked of an earlier job, been answered the same, and so
    /// have said the same.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub remembered: bool,
    /// Of the call; 0 where there was none.
    pub duration_us: u64,
}

impl Decision {
    /// Whether it is one that counts: enforced, and about the job that there is.
    pub fn counts(&self) -> bool {
        self.mode == Mode::Enforce && !self.shadow
    }

    /// Whether it keeps the job from running.
    pub fn denies(&self) -> bool {
        self.counts() && matches!(self.verdict, Ruling::Deny | Ruling::Error)
    }
}

/// Where a policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    Mutation,
    Validation,
    // In the words of the contract too.
    #[serde(alias = "pre-start")]
    PreStart,
    #[serde(alias = "on-started")]
    OnStarted,
    #[serde(alias = "on-exited")]
    OnExited,
    Connection,
}

/// What a policy's answer is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It decides; whatever goes wrong with it is a denial.
    #[default]
    Enforce,
    /// It changes nothing; whoever sent the job is told what it would have done.
    Warn,
    /// It changes nothing; only the record has what it would have done.
    Audit,
    /// Loaded and checked, never asked.
    Off,
}

impl Mode {
    /// As serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Audit => "audit",
            Self::Off => "off",
        }
    }
}

impl Hook {
    /// As serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mutation => "mutation",
            Self::Validation => "validation",
            Self::PreStart => "pre_start",
            Self::OnStarted => "on_started",
            Self::OnExited => "on_exited",
            Self::Connection => "connection",
        }
    }
}

/// What a policy answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    Allow,
    /// Allowed with changes.
    Mutate,
    Deny,
    /// It gave no answer that counts.
    Error,
}

impl Ruling {
    /// As serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Mutate => "mutate",
            Self::Deny => "deny",
            Self::Error => "error",
        }
    }
}

/// Why there is no answer that counts. Under `enforce` each of them denies the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The program failed: a panic, a stack overflow, an access out of bounds.
    Trap,
    /// It was stopped at the end of its time.
    Timeout,
    /// It wanted more memory than the bundle gives it.
    Memory,
    /// Text that is not UTF-8, a code that is no code, or more than an answer may hold.
    BadOutput,
    /// The call could not be made, for want of memory or of an instance: no fault of the policy's.
    HostError,
    /// All places for policy calls were taken for too long.
    PoolExhausted,
    /// A second pass over the changed job would have changed it again.
    NotIdempotent,
    /// The changed job is beyond what this host allows, or is no valid job.
    HardCap,
}

impl Failure {
    pub const ALL: [Self; 8] = [
        Self::Trap,
        Self::Timeout,
        Self::Memory,
        Self::BadOutput,
        Self::HostError,
        Self::PoolExhausted,
        Self::NotIdempotent,
        Self::HardCap,
    ];

    /// The stable word, as serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Timeout => "timeout",
            Self::Memory => "memory",
            Self::BadOutput => "bad-output",
            Self::HostError => "host-error",
            Self::PoolExhausted => "pool-exhausted",
            Self::NotIdempotent => "not-idempotent",
            Self::HardCap => "hard-cap",
        }
    }
}

/// One operation of a JSON Patch (RFC 6902).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PatchOp {
    /// `add`, `replace` or `remove`.
    #[schemars(extend("enum" = ["add", "replace", "remove"]))]
    pub op: String,
    /// JSON pointer (RFC 6901) into the job document.
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Value>,
}

/// A change that was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedPatch {
    pub path: String,
    #[schemars(extend("enum" = ["conflict", "loosens-isolation", "invalid-value", "no-such-field", "not-now"]))]
    /// `conflict`, `loosens-isolation`, `invalid-value`, `no-such-field`, `not-now`.
    pub code: String,
}
