use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Limits, Network, OnOutputLimit};

/// A job with nothing left open: made by [`crate::JobRequest::check`], the only input of the stages behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    pub image: String,
    pub files: Vec<FileSpec>,
    /// At least one.
    pub steps: Vec<StepSpec>,
    pub disk_bytes: u64,
    pub on_output_limit: OnOutputLimit,
    pub network: Network,
    pub artifacts: Vec<String>,
    pub user: u32,
    pub labels: BTreeMap<String, String>,
    pub require: Vec<String>,
    /// A terminal instead of pipes; only `stockade run -t` asks for one.
    pub tty: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSpec {
    pub name: String,
    pub command: Vec<String>,
    pub stdin: Vec<u8>,
    /// The whole environment, Stockade's own defaults included.
    pub env: BTreeMap<String, String>,
    pub limits: Limits,
    pub workdir: String,
    pub profile: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Relative, no `.` or `..` component, no NUL.
    pub path: String,
    pub mode: u32,
    pub contents: Vec<u8>,
}
