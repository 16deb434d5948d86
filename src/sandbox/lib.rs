//! The container core: what this host can do ([`HostCaps`]), what a job will get ([`plan`]), and the launcher that
//! builds it.
//!
//! ```text
//! daemon ── Launch{plan} ──▶ launcher ── clone3 ──▶ init (PID 1) ── clone3 ──▶ the job's programs
//!    ▲                          │                      │
//!    └──────── Report ──────────┴──────────────────────┘       on one socket per job
//! ```
//!
//! No tokio, no HTTP, no wasm, and no `unsafe` outside `sys.rs`.

pub mod cgroup;
mod host;
mod init;
mod launcher;
mod plan;
pub mod protocol;
mod require;
pub mod seccomp;
mod step;
mod sys;
mod tool;
pub mod wire;

use nix::sys::stat::Mode;

pub use host::{CgroupCaps, HostCaps};
pub use launcher::{Launcher, LauncherOptions, StartError, Stores, launcher_main};
pub use plan::{ImageLayer, ImageRoot, LaunchPlan, PlanError, Planner, Sources, VolumePlan, Workspace};
pub use require::DEGRADABLE;
pub use seccomp::{Profile, ProfileError, Profiles};
pub use step::{Step, StepError};
pub use sys::{set_terminal_size, terminal_size};
pub use tool::{ImageIds, Tool, ToolCall};

/// As a login shell has it: folders are made for other ids to pass through, and a job finds nothing else. Whoever starts
/// Stockade may have another.
const USUAL_UMASK: Mode = Mode::S_IWGRP.union(Mode::S_IWOTH);

/// `argv[0]` of the launcher; no user types it.
pub const LAUNCHER_ROLE: &str = "@launcher";
