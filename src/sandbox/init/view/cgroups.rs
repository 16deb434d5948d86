//! The job's own groups, read-only, where runtimes look for limits: below `/sys/fs/cgroup`.
//!
//! On v1 a group is what the job's cgroup namespace calls `/`, so each hierarchy's goes to the hierarchy's usual place. On v2 the
//! namespace is the launcher's (`cgroup/namespace.rs`) and calls it `/jobs/NAME`, which readers take in two ways. Some
//! append that to the first cgroup2 mount's path (JDK 17 and 21, libuv, Rust): there it is. Others take off the part
//! that the mount is of (JDK 25, Go): for these the steps are linked at the top.
//!
//! CVE-2023-25809 and CVE-2022-0492 are what a writable one leads to.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::AT_FDCWD;
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::symlinkat;

use super::READ_ONLY;
use crate::cgroup::{Shown, ShownKind};
use crate::init::mounts;
use crate::step::{At, Step, StepError};

pub(super) fn show(
    files: &OwnedFd,
    root: &OwnedFd,
    cgroups: &[Shown],
    group: &str,
    steps: usize,
) -> Result<(), StepError> {
    let own = cgroups.iter().filter(|shown| shown.kind != ShownKind::Placeholder);
    for (i, shown) in own.enumerate() {
        let at = 20 + i * 20;
        let from = text(format!("/cgroups/{}/{group}", shown.name)).at(Step::View, at)?;
        let to = text(format!("sys/fs/cgroup/{}", shown.name)).at(Step::View, at)?;
        // On v2 hidden by what comes over it, and there for the mount table.
        let bind = mounts::bind(AT_FDCWD, &from, READ_ONLY).at(Step::View, at + 1)?;
        mounts::attach(&bind, root.as_fd(), &to).at(Step::View, at + 2)?;
        if shown.kind == ShownKind::V2 {
            let folder = v2_folder(files, group, steps).at(Step::View, at + 3)?;
            mounts::attach(&folder, root.as_fd(), c"sys/fs/cgroup").at(Step::View, at + 4)?;
            let to = text(format!("sys/fs/cgroup/jobs/{group}")).at(Step::View, at)?;
            let bind = mounts::bind(AT_FDCWD, &from, READ_ONLY).at(Step::View, at + 5)?;
            mounts::attach(&bind, root.as_fd(), &to).at(Step::View, at + 6)?;
        }
    }
    Ok(())
}

fn v2_folder(files: &OwnedFd, group: &str, steps: usize) -> std::io::Result<OwnedFd> {
    let mode = Mode::from_bits_truncate(0o755);
    mkdirat(files, "cgroup", mode)?;
    mkdirat(files, "cgroup/jobs", mode)?;
    mkdirat(files, format!("cgroup/jobs/{group}").as_str(), mode)?;
    for step in 0..steps {
        let (target, link) = (format!("jobs/{group}/step-{step}"), format!("cgroup/step-{step}"));
        symlinkat(target.as_str(), files, link.as_str())?;
    }
    mounts::bind(files.as_fd(), c"cgroup", READ_ONLY)
}

fn text(path: String) -> std::io::Result<CString> {
    Ok(CString::new(path)?)
}
