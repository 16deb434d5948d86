//! The launcher's cgroup namespace, which every sandbox inherits.
//!
//! systemd mounts v2 with `nsdelegate`: a process may then only be cloned or moved between groups below the root of
//! its cgroup namespace. That root is where the process that *made* the namespace stood. With `CLONE_NEWCGROUP` in the
//! sandbox's clone it would be the launcher's own leaf, and the sandbox's init, which then stands outside its root,
//! could start no step in its leaf (ENOENT). So the launcher makes one namespace, rooted at `stockade-PID`, and
//! sandboxes are cloned *without* the flag: they see `/jobs/NAME/step-0`, and nothing of the host's tree.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sched::{CloneFlags, unshare};

use super::{dir, error::CgroupError, find::Controller};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CgroupNamespace {
    /// Needs `CAP_SYS_ADMIN` in this process's user namespace.
    Own,
    Inherited,
}

/// Roots a namespace at `tree`, by standing there while it is made.
///
/// Only possible before `tree` passes controllers on. The way back is opened before, since `nsdelegate` judges a
/// move by the namespace in which `cgroup.procs` was opened.
pub(super) fn enter(tree: BorrowedFd<'_>, label: &str) -> Result<(), CgroupError> {
    let failed = |operation| CgroupError::at(operation, label, "cgroup.procs");
    let daemon = dir::open_dir(tree, "daemon").map_err(failed("open"))?;
    let back = dir::open_write(daemon.as_fd(), "cgroup.procs").map_err(failed("open"))?;
    dir::put(tree, "cgroup.procs", "0").map_err(failed("enter"))?;
    let made = unshare(CloneFlags::CLONE_NEWCGROUP);
    nix::unistd::write(back, b"0").map_err(failed("leave"))?;
    made.map_err(CgroupError::at("make a namespace at", label, ""))
}

/// Passes `controllers` on to the children of `at`.
pub(super) fn pass_on(
    at: BorrowedFd<'_>,
    controllers: &[Controller],
    label: &str,
) -> Result<(), CgroupError> {
    let words = words('+', controllers);
    if words.is_empty() {
        return Ok(());
    }
    dir::put(at, "cgroup.subtree_control", &words).map_err(CgroupError::at(
        "set",
        label,
        "cgroup.subtree_control",
    ))
}

/// Undoes what an earlier launcher of the same daemon passed on.
pub(super) fn keep(at: BorrowedFd<'_>, controllers: &[Controller], label: &str) -> Result<(), CgroupError> {
    let words = words('-', controllers);
    if words.is_empty() {
        return Ok(());
    }
    dir::put(at, "cgroup.subtree_control", &words).map_err(CgroupError::at(
        "clear",
        label,
        "cgroup.subtree_control",
    ))
}

fn words(sign: char, controllers: &[Controller]) -> String {
    let words: Vec<String> =
        controllers.iter().map(|controller| format!("{sign}{}", controller.name())).collect();
    words.join(" ")
}
