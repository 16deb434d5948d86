//! The grammar of `cases.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use admission::{Facts, Grant};
use model::{Hook, JobRequest, PatchOp};
use serde::Deserialize;

use crate::output::Failure;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) hook: Asked,
    #[serde(default)]
    pub(crate) settings: toml::Table,
    /// All that the component imports, where left out.
    #[serde(default)]
    pub(crate) grants: Option<Vec<Grant>>,
    #[serde(default)]
    pub(crate) tenant: Option<String>,
    #[serde(default)]
    pub(crate) submitter: Option<String>,
    #[serde(default)]
    pub(crate) now_unix_ms: Option<i64>,
    #[serde(default)]
    pub(crate) request: Option<JobRequest>,
    #[serde(default)]
    pub(crate) facts: CaseFacts,
    /// What the policy's memory holds before.
    #[serde(default)]
    pub(crate) kv: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) connection: Option<Connection>,
    /// For hooks that see the container: fields of the receipt.
    #[serde(default)]
    pub(crate) container: toml::Table,
    /// For `on_exited`: fields of the finished job, and `exit_code` and `signal` of its step.
    #[serde(default)]
    pub(crate) outcome: toml::Table,
    pub(crate) expect: Expect,
}

/// Which hook a case is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// Mutation and validation, as one policy alone would admit the job.
    #[default]
    Admission,
    Configuration,
    #[serde(untagged)]
    One(Hook),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CaseFacts {
    running_jobs: BTreeMap<String, u32>,
    queued_jobs: BTreeMap<String, u32>,
    reserved_memory_bytes: BTreeMap<String, u64>,
    pub(crate) tables: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Checked as far as it is given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// `allow`, `mutate`, `deny` or `error`.
    pub(crate) verdict: String,
    #[serde(default)]
    pub(crate) code: Option<String>,
    #[serde(default)]
    pub(crate) field: Option<String>,
    /// A part of it.
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) retryable: Option<bool>,
    /// Exactly these.
    #[serde(default)]
    pub(crate) patch: Option<Vec<PatchOp>>,
    /// Each a part of one.
    #[serde(default)]
    pub(crate) warnings: Option<Vec<String>>,
    /// These among others; the same for labels and kv.
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) kv: BTreeMap<String, String>,
}

impl CaseFacts {
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            running_jobs: self.running_jobs.clone(),
            queued_jobs: self.queued_jobs.clone(),
            reserved_memory_bytes: self.reserved_memory_bytes.clone(),
        }
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<Case>, Failure> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::caused(&format!("cannot read {}", path.display()), &error)
            .hint("a policy has its test cases in `cases.toml`")
    })?;
    let document: Document = toml::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: {}", path.display(), error.to_string().trim_end())))?;
    Ok(document.case)
}
