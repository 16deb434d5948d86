//! Each sandbox's cgroup namespace, whose root is the job's own group.
//!
//! A namespace is rooted where the process that makes it stands (cgroup_namespaces(7)), and systemd mounts v2 with
//! `nsdelegate`: a process may then only be cloned or moved between groups below the root of its namespace. For init to
//! start programs in the steps' groups, it must have made its namespace in the job's group itself; but a group that
//! passes controllers on may hold no process (cgroups(7)). So init is cloned into the job's group while that passes
//! nothing on, makes its namespace there, moves down into a leaf, and has the group pass its controllers on.
//!
//! That move waits for the kernel's threadgroup lock (see `mod.rs`): in init, and as a rule before there is a job. Until it is
//! done the steps' groups have no files for limits, so the launcher waits for init's word before it sets any.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use super::{dir, error::CgroupError, find::Controller, group::Entry, job::step_name};

/// The way of a sandbox's init into its groups: it enters, makes its namespace, moves in, and passes controllers on.
#[derive(Debug, Default)]
pub struct InitEntry {
    pub entry: Entry,
    /// On v2 with controllers.
    pub leaf: Option<InitLeaf>,
}

/// Where init stands while its job's group passes controllers on to the steps.
#[derive(Debug)]
pub struct InitLeaf {
    pub(super) dir: OwnedFd,
    pub(super) controllers: Vec<Controller>,
    pub(super) steps: usize,
}

impl InitEntry {
    /// For a process that closes all others.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        let leaf = self.leaf.iter().map(|leaf| &leaf.dir);
        self.entry.tasks.iter().chain(&self.entry.into).chain(leaf).map(AsRawFd::as_raw_fd)
    }

    /// Out of the job's group, with the launcher's user id, to which the files belong.
    pub fn move_in(&self) -> io::Result<()> {
        self.leaf.as_ref().map_or(Ok(()), |leaf| Ok(dir::put(leaf.dir.as_fd(), "cgroup.procs", "0")?))
    }

    /// Once nobody stands in the job's group.
    pub fn pass_on(&self) -> io::Result<()> {
        let (Some(leaf), Some(job)) = (&self.leaf, &self.entry.into) else { return Ok(()) };
        dir::put(job.as_fd(), "cgroup.subtree_control", &words(&leaf.controllers))?;
        if leaf.controllers.contains(&Controller::Memory) {
            // A step dies as a whole: half a program is of no use, and a survivor could go on to hold memory.
            for step in 0..leaf.steps {
                dir::put(dir::open_dir(job.as_fd(), &step_name(step))?.as_fd(), "memory.oom.group", "1")?;
            }
        }
        Ok(())
    }
}

/// Passes `controllers` on to the children of `at`.
pub(super) fn pass_on(
    at: BorrowedFd<'_>,
    controllers: &[Controller],
    label: &str,
) -> Result<(), CgroupError> {
    let words = words(controllers);
    if words.is_empty() {
        return Ok(());
    }
    dir::put(at, "cgroup.subtree_control", &words).map_err(CgroupError::at(
        "set",
        label,
        "cgroup.subtree_control",
    ))
}

fn words(controllers: &[Controller]) -> String {
    let words: Vec<String> = controllers.iter().map(|controller| format!("+{}", controller.name())).collect();
    words.join(" ")
}
