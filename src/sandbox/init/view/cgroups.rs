//! The job's own groups, read-only, where runtimes look for limits: below `/sys/fs/cgroup`.
//!
//! A group is what the job's cgroup namespace calls `/`, so each hierarchy's goes to the hierarchy's usual place, and
//! whoever appends the paths of `/proc/self/cgroup` to that finds it.
//!
//! CVE-2023-25809 and CVE-2022-0492 are what a writable one leads to.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::AT_FDCWD;

use super::READ_ONLY;
use crate::cgroup::{Shown, ShownKind};
use crate::init::mounts;
use crate::step::{At, Step, StepError};

pub(super) fn show(root: &OwnedFd, cgroups: &[Shown], group: &str) -> Result<(), StepError> {
    let own = cgroups.iter().filter(|shown| shown.kind != ShownKind::Placeholder);
    for (i, shown) in own.enumerate() {
        let at = 20 + i * 20;
        let from = text(format!("/cgroups/{}/{group}", shown.name)).at(Step::View, at)?;
        let to = text(format!("sys/fs/cgroup/{}", shown.name)).at(Step::View, at)?;
        let bind = mounts::bind(AT_FDCWD, &from, READ_ONLY).at(Step::View, at + 1)?;
        mounts::attach(&bind, root.as_fd(), &to).at(Step::View, at + 2)?;
    }
    Ok(())
}

fn text(path: String) -> std::io::Result<CString> {
    Ok(CString::new(path)?)
}
