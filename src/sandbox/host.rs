//! What this host can enforce, found by trying it once at start.

use model::IdMapKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What this host enforces.
///
/// Reported by the launcher after it built its own surroundings, so each entry was really done once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostCaps {
    /// `uname -r`.
    pub kernel: String,
    pub architecture: String,
    /// Highest landlock ABI that both kernel and this build know; `None` where landlock is off.
    pub landlock_abi: Option<u32>,
    pub cgroup: CgroupCaps,
    pub id_map: IdMapKind,
    /// Jobs that can hold a host id of their own at one time.
    pub slots: u32,
    /// Ids that an image's files and users can have here: 0 and up to one less. The last stands for all others (`nobody`).
    pub image_ids: u32,
    /// overlayfs inside a user namespace, which images and cases need (kernel 5.11).
    pub overlay: bool,
    /// Clocks of their own for jobs, which count from the job's start (kernel 5.6).
    pub time_namespace: bool,
    /// Host paths visible read-only in the `host` image beside the standard ones.
    pub host_paths: Vec<String>,
}

/// Where limits are counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CgroupCaps {
    /// `v2`, `hybrid`, `v1` or `none`.
    pub version: String,
    /// Such as `memory`, `pids`, `cpu`.
    pub controllers: Vec<String>,
    /// `cgroup.kill` (kernel 5.14).
    pub kill: bool,
    pub freeze: bool,
}

impl CgroupCaps {
    /// Of a host where none could be had and the operator allowed that.
    pub(crate) fn none() -> Self {
        Self { version: "none".into(), controllers: Vec::new(), kill: false, freeze: false }
    }
}
