//! The groups of processes that hold a job to its memory, process and CPU limits.
//!
//! Two kernels' worth of cgroups are driven by the same code. On **v2** one tree does everything. On **v1** every
//! controller has a tree of its own, and a **hybrid** host is v1 for the limits with a v2 tree beside it that has no
//! controllers but still gives `cgroup.kill`, `cgroup.freeze`, `cpu.stat` and `CLONE_INTO_CGROUP`. So a job is a
//! directory in each tree that is in use, and every knob goes to the tree that has its controller:
//!
//! ```text
//! BASE/stockade-PID            [`Delegation`]: made at start, flocked while anybody uses it
//!   daemon                     v2: where daemon and launcher stand (a group with controllers may hold no process)
//!   jobs/NAME                  v2: the job's limits
//!        NAME/init             v2 with controllers: the sandbox's init
//!        NAME/step-0 …         the limits and the usage of one step each
//!   NAME, NAME/step-0 …        v1: the same without the levels that only v2's rule needs; init stands in NAME
//! ```
//!
//! The order of use: [`Delegation::find`] in the process that becomes the daemon, [`Groups::open`] in the launcher
//! while it still sees `/sys/fs/cgroup`, [`Groups::make`] for each job, [`InitEntry`] in the sandbox's init, [`Groups::limit`],
//! [`Entry`] and [`LeafStats`] for the steps.
//!
//! Invariants:
//! - Below the base everything is reached from directory descriptors; no path is built from a job's name.
//! - A limit that was asked for is written or the job does not run; nothing is dropped silently.
//! - A directory serves one job once. Peaks and event counts cannot be reset, so groups are never reused.
//! - Nobody writes another process's id to move it: that takes the kernel's threadgroup lock for writing, which
//!   waits for an RCU grace period (5 to 20 ms). Processes are cloned into v2 groups and enter v1 groups themselves. The one
//!   move between v2 groups is init's into its leaf, before there is a job (`namespace.rs`).

mod claim;
mod dir;
mod error;
mod find;
mod freezer;
mod group;
mod groups;
mod job;
mod knobs;
mod make;
mod membership;
mod namespace;
mod setup;
mod shown;
mod usage;

#[cfg(test)]
mod tests;

pub use error::CgroupError;
pub use find::{Controller, Delegation, FindOptions, Subtree, Swap};
pub use freezer::{Freezer, FreezerVersion, RunState};
pub use group::{Entry, LeafStats};
pub use groups::Groups;
pub use job::{JobGroup, Leaf};
pub use namespace::{InitEntry, InitLeaf};
pub use setup::print_setup;
pub use shown::{Shown, ShownKind};
pub use usage::cpu_usage_us;
