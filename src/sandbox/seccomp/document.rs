//! The JSON of a profile: the form of the OCI runtime specification (config-linux.md, Seccomp) with Docker's additions
//! (`archMap`, `includes`, `excludes`, `name`) and Podman's (`errno`, `defaultErrno`).
//!
//! Unknown keys are errors: a rule whose misspelt `args` is dropped would match every call.

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Document {
    pub(super) default_action: ActionName,
    pub(super) default_errno_ret: Option<u32>,
    /// Podman's word for `defaultErrnoRet`, beside it.
    #[serde(rename = "defaultErrno")]
    pub(super) default_errno: Option<String>,
    /// Read and not used, as is `archMap`: a filter is for the architecture it runs on, and kills the others.
    pub(super) architectures: Option<Vec<String>>,
    pub(super) arch_map: Option<Vec<ArchMap>>,
    /// Read and not used: none of them changes what is refused.
    #[expect(
        dead_code,
        reason = "named so that a profile with flags is read, and an unknown flag is an error"
    )]
    flags: Option<Vec<Flag>>,
    #[serde(default)]
    pub(super) syscalls: Vec<RuleDocument>,
    #[expect(dead_code, reason = "JSON has no comments")]
    comment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "see `Document::architectures`")]
pub(super) struct ArchMap {
    architecture: String,
    sub_architectures: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RuleDocument {
    pub(super) names: Option<Vec<String>>,
    /// The form of Docker before 1.12.
    pub(super) name: Option<String>,
    pub(super) action: ActionName,
    pub(super) errno_ret: Option<u32>,
    pub(super) errno: Option<String>,
    pub(super) args: Option<Vec<ArgDocument>>,
    pub(super) includes: Option<Filter>,
    pub(super) excludes: Option<Filter>,
    #[expect(dead_code, reason = "JSON has no comments")]
    comment: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ArgDocument {
    pub(super) index: u8,
    pub(super) value: u64,
    #[serde(default)]
    pub(super) value_two: u64,
    pub(super) op: Op,
}

/// For which jobs and hosts a rule is meant.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Filter {
    pub(super) caps: Option<Vec<String>>,
    pub(super) arches: Option<Vec<String>>,
    pub(super) min_kernel: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum ActionName {
    /// libseccomp's old name of the next one.
    #[serde(rename = "SCMP_ACT_KILL")]
    Kill,
    #[serde(rename = "SCMP_ACT_KILL_THREAD")]
    KillThread,
    #[serde(rename = "SCMP_ACT_KILL_PROCESS")]
    KillProcess,
    #[serde(rename = "SCMP_ACT_TRAP")]
    Trap,
    #[serde(rename = "SCMP_ACT_ERRNO")]
    Errno,
    #[serde(rename = "SCMP_ACT_TRACE")]
    Trace,
    #[serde(rename = "SCMP_ACT_NOTIFY")]
    Notify,
    #[serde(rename = "SCMP_ACT_LOG")]
    Log,
    #[serde(rename = "SCMP_ACT_ALLOW")]
    Allow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Op {
    #[serde(rename = "SCMP_CMP_NE")]
    Ne,
    #[serde(rename = "SCMP_CMP_LT")]
    Lt,
    #[serde(rename = "SCMP_CMP_LE")]
    Le,
    #[serde(rename = "SCMP_CMP_EQ")]
    Eq,
    #[serde(rename = "SCMP_CMP_GE")]
    Ge,
    #[serde(rename = "SCMP_CMP_GT")]
    Gt,
    /// `argument & value == valueTwo`.
    #[serde(rename = "SCMP_CMP_MASKED_EQ")]
    MaskedEq,
}

#[derive(Debug, Deserialize)]
enum Flag {
    #[serde(rename = "SECCOMP_FILTER_FLAG_TSYNC")]
    Tsync,
    #[serde(rename = "SECCOMP_FILTER_FLAG_LOG")]
    Log,
    #[serde(rename = "SECCOMP_FILTER_FLAG_SPEC_ALLOW")]
    SpecAllow,
    #[serde(rename = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")]
    WaitKillableRecv,
}
