//! What daemon, launcher and init say to each other.
//!
//! The daemon makes one socket pair per job, keeps one end and sends the other with [`Request::Job`]. Everything about that
//! job then comes back on it: first from the launcher, then from init, last from the launcher again. The daemon may send
//! its orders before init exists; the socket keeps them, so no round trip is spent on waiting for readiness.

use std::borrow::Cow;

use model::GroupUsage;
use serde::{Deserialize, Serialize};

use crate::cgroup::FreezerVersion;
use crate::plan::LaunchPlan;
use crate::step::StepError;

/// Daemon to launcher.
#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "one at a time, and most are jobs")]
pub enum Request<'a> {
    /// Descriptor: init's end of the job's socket. `over` is the slot of the running sandbox whose `/workspace` this one
    /// is over.
    Job { plan: Cow<'a, LaunchPlan>, over: Option<u32> },
    /// Descriptors: the tool's end of its socket, then what it works on.
    Tool { task: Vec<u8> },
}

/// Launcher to init: the job that a sandbox is for. Descriptors: init's end of the job's socket, and what
/// `/workspace` is over, where it is over something.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) plan: LaunchPlan,
    /// The numbers of the processors that it gets, in their order.
    pub(crate) processors: Vec<u16>,
}

/// Launcher and init to daemon, on the job's socket.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// From the launcher: init exists. Descriptors as [`Handles`] counts them.
    Cloned { slot: u32, host_uid: u32, handles: Handles },
    /// From init: every step of the plan was done; microseconds that each took, also those done ahead.
    Ready { steps_us: Vec<(crate::step::Step, u32)> },
    /// From either: the sandbox could not be built.
    Failed(StepError),
    /// From init: a program was started. Descriptor: the outside of its terminal, where it has one.
    Started { step: u16 },
    /// From init: a program and everything it left behind has ended.
    Exited(StepExit),
    /// From init: one collected file. Descriptor: the file, open for reading.
    Artifact { path: String, bytes: u64 },
    /// From init: a file that matched and was not collected.
    ArtifactRefused { path: String, code: String, errno: i32 },
    /// From init: nothing more to collect.
    Collected,
    /// From init: what a commit is made of. Descriptors: the upper directory of the root's overlay, where it is one, and
    /// `/workspace`.
    Changes,
    /// From the launcher: init has ended, and with it the sandbox; whether because of the job's memory limit.
    Gone { out_of_memory: bool },
}

/// Which descriptors come with [`Report::Cloned`], in this order: the pidfd of init, then per step `cpu`, `kill`,
/// `freezer`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Handles {
    pub steps: Vec<StepHandles>,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct StepHandles {
    pub cpu: bool,
    pub kill: bool,
    pub freezer: Option<FreezerVersion>,
}

/// How a program ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StepExit {
    pub step: u16,
    /// Set when the program never came to run: the step of `program.rs` that failed, exec(2) among them.
    pub error: Option<StepError>,
    /// As wait(2) gives it.
    pub wait_status: i32,
    pub wall_us: u64,
    pub usage: GroupUsage,
    pub disk: DiskUsage,
}

/// Of the scratch filesystem that `/workspace`, `/tmp` and `/dev/shm` share.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct DiskUsage {
    pub bytes: u64,
    pub full: bool,
}

/// Daemon to init.
#[derive(Debug, Serialize, Deserialize)]
pub enum Order {
    /// Write these below `/workspace`. Descriptor: a memfd with their contents one after another.
    Files(Vec<FileEntry>),
    /// Run step `n` of the plan. Descriptors: stdin, stdout, stderr; with none, init makes a terminal of this size in
    /// rows and columns.
    Run {
        step: u16,
        terminal: (u16, u16),
    },
    Signal(i32),
    /// Kill the running step.
    Kill,
    /// Hand out what the job has changed.
    Changes,
    /// Report the files below `/workspace` that match.
    Collect {
        patterns: Vec<String>,
        most_files: u32,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub struct FileEntry {
    pub path: String,
    pub mode: u32,
    pub bytes: u64,
}
