//! The root filesystem of one sandbox: the launcher's prepared tree or an image's layers, and what is the job's own on top.

mod image;

use std::ffi::{CStr, CString};
use std::io;
use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::{Mode, fchmod, fstat, mkdirat};
use nix::unistd::{chdir, fchdir, pivot_root};

use super::mounts;
use crate::plan::{RootPlan, ScratchPlan};
use crate::step::{At, Step, StepError};
use crate::sys::{self, ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID, ATTR_RDONLY};
use crate::wire;

/// Prepared by the launcher (launcher/surroundings.rs): the tree to copy, and places to put things.
const PREPARED: &CStr = c"/host";
const JOB: &CStr = c"/job";
const SCRATCH: &CStr = c"/scratch";
const EMPTY: &CStr = c"/empty";

/// What the one scratch filesystem is shown as, and how.
const SCRATCH_PLACES: [(&CStr, &CStr, u32, u64); 3] = [
    (c"workspace", c"workspace", 0o755, ATTR_NOSUID | ATTR_NODEV),
    (c"tmp", c"tmp", 0o1777, ATTR_NOSUID | ATTR_NODEV),
    (c"shm", c"dev/shm", 0o1777, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC),
];

/// The one filesystem that a job can write, attached in the old root, which goes away with pivot: only the places that are
/// shown of it remain. Next to nothing fits into it until [`size_scratch`].
pub(crate) fn make_scratch() -> Result<OwnedFd, StepError> {
    let options = [(c"size", c"65536"), (c"nr_inodes", c"128"), (c"mode", c"0755")];
    let scratch = sys::new_filesystem(c"tmpfs", &options, ATTR_NOSUID | ATTR_NODEV).at(Step::Scratch, 0)?;
    sys::move_mount(scratch.as_fd(), AT_FDCWD, SCRATCH).at(Step::Scratch, 1)?;
    Ok(scratch)
}

/// One system call copies the whole prepared tree: read-only, nosuid, all its mounts in place.
fn attach_host() -> Result<OwnedFd, StepError> {
    let root = mounts::copy(PREPARED).at(Step::Root, 0)?;
    sys::move_mount(root.as_fd(), AT_FDCWD, JOB).at(Step::Root, 1)?;
    Ok(root)
}

/// The root, and over an image the directory that what the job changes of it is in.
pub(crate) fn attach(plan: &RootPlan, scratch: &OwnedFd) -> Result<(OwnedFd, Option<OwnedFd>), StepError> {
    match &plan.image {
        None => Ok((attach_host()?, None)),
        Some(image) => image::attach(image, scratch).map(|(root, changes)| (root, Some(changes))),
    }
}

pub(crate) fn mount_proc(root: &OwnedFd) -> Result<OwnedFd, StepError> {
    let attributes = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;
    // Only what the caller could trace is there: not init, which with a single id map would belong to the job's user.
    let options = [(c"hidepid", c"ptraceable")];
    let proc = sys::new_filesystem(c"proc", &options, attributes).at(Step::Proc, 0)?;
    mounts::attach(&proc, root.as_fd(), c"proc").at(Step::Proc, 1)?;
    Ok(proc)
}

/// Returns `/workspace`.
pub(crate) fn show_scratch(root: &OwnedFd, scratch: &OwnedFd) -> Result<OwnedFd, StepError> {
    for (i, (name, place, mode, attributes)) in SCRATCH_PLACES.into_iter().enumerate() {
        make_folder(scratch, name, mode).at(Step::Places, 3 * i)?;
        let bind = mounts::bind(scratch.as_fd(), name, attributes).at(Step::Places, 3 * i + 1)?;
        mounts::attach(&bind, root.as_fd(), place).at(Step::Places, 3 * i + 2)?;
    }
    mounts::resolve(scratch.as_fd(), c"workspace", OFlag::O_RDONLY | OFlag::O_DIRECTORY).at(Step::Places, 99)
}

fn make_folder(parent: &OwnedFd, name: &CStr, mode: u32) -> io::Result<OwnedFd> {
    mkdirat(parent, name, Mode::from_bits_truncate(mode))?;
    let made = mounts::resolve(parent.as_fd(), name, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    // The umask took bits away from mkdir's.
    fchmod(&made, Mode::from_bits_truncate(mode))?;
    Ok(made)
}

/// Of the one filesystem, so of all its places.
pub(crate) fn size_scratch(plan: &ScratchPlan) -> Result<(), StepError> {
    let (size, inodes) = (number(plan.bytes), number(plan.inodes));
    sys::reconfigure(c"/workspace", &[(c"size", &*size), (c"nr_inodes", &*inodes)]).at(Step::ScratchSize, 0)
}

/// Below the mounts of what is now `/workspace`, where nothing can name them any more: what is lent, and what is
/// written over it. Returns the new `/workspace`.
pub(crate) fn lay_over(lent: &OwnedFd, workspace: &OwnedFd) -> Result<OwnedFd, StepError> {
    for (i, name) in [c"lower", c"upper", c"work"].into_iter().enumerate() {
        mkdirat(workspace, name, Mode::S_IRWXU).at(Step::Overlay, i)?;
    }
    sys::move_mount(lent.as_fd(), AT_FDCWD, c"/workspace/lower").at(Step::Overlay, 3)?;
    // What the folder itself looks like, an overlay takes from its upper layer.
    let mode = Mode::from_bits_truncate(fstat(lent).at(Step::Overlay, 4)?.st_mode & 0o7777);
    let upper = mounts::resolve(workspace.as_fd(), c"upper", OFlag::O_RDONLY | OFlag::O_DIRECTORY);
    fchmod(upper.at(Step::Overlay, 5)?, mode).at(Step::Overlay, 6)?;
    let overlay = mounts::overlay(c"/workspace/lower", c"/workspace/upper", c"/workspace/work");
    let overlay = overlay.at(Step::Overlay, 7)?;
    sys::move_mount(overlay.as_fd(), AT_FDCWD, c"/workspace").at(Step::Overlay, 8)?;
    mounts::resolve(overlay.as_fd(), c".", OFlag::O_RDONLY | OFlag::O_DIRECTORY).at(Step::Overlay, 9)
}

/// A detached copy of `/workspace` for the launcher, which has cases of this job mount it.
pub(crate) fn lend(launcher: &OwnedFd) -> Result<(), StepError> {
    let lent = sys::open_tree(AT_FDCWD, c"/workspace", sys::OPEN_TREE_CLONE).at(Step::Lend, 0)?;
    match wire::send(launcher.as_fd(), &(), &[lent.as_fd()]) {
        // It has died, and takes this process with it in a moment: the job is lost, which its closed socket tells.
        Err(error) if matches!(error.kind(), BrokenPipe | ConnectionReset) => sys::exit_now(3),
        sent => sent.at(Step::Lend, 1),
    }
}

/// A devpts of its own: a job's terminals are nobody else's (CVE-2025-52565 needs a shared one).
pub(crate) fn mount_terminals(root: &OwnedFd) -> Result<(), StepError> {
    let options = [(c"ptmxmode", c"0666"), (c"mode", c"0620")];
    let attributes = ATTR_NOSUID | ATTR_NOEXEC;
    let devpts = sys::new_filesystem(c"devpts", &options, attributes).at(Step::Terminals, 0)?;
    mounts::attach(&devpts, root.as_fd(), c"dev/pts").at(Step::Terminals, 1)
}

/// Covers what tells about, or changes, the host. A file that this kernel does not have needs no cover.
pub(crate) fn mask(root: &OwnedFd, plan: &RootPlan) -> Result<(), StepError> {
    for (i, path) in plan.masked_files.iter().enumerate() {
        // The launcher checked that this is the null device (CVE-2025-31133).
        cover(root, path, i, |_| mounts::bind(AT_FDCWD, c"/host/dev/null", ATTR_NOSUID | ATTR_NOEXEC))?;
    }
    for (i, path) in plan.masked_directories.iter().enumerate() {
        cover(root, path, 100 + i, |_| {
            mounts::bind(AT_FDCWD, EMPTY, ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC)
        })?;
    }
    for (i, path) in plan.read_only.iter().enumerate() {
        let attributes = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;
        cover(root, path, 200 + i, |target| mounts::bind(target.as_fd(), c"", attributes))?;
    }
    Ok(())
}

fn cover(
    root: &OwnedFd,
    path: &str,
    index: usize,
    with: impl FnOnce(&OwnedFd) -> std::io::Result<OwnedFd>,
) -> Result<(), StepError> {
    let relative =
        CString::new(path.trim_start_matches('/')).map_err(std::io::Error::from).at(Step::Masks, index)?;
    let target = match mounts::resolve(root.as_fd(), &relative, OFlag::O_PATH) {
        Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => return Ok(()),
        target => target.at(Step::Masks, index)?,
    };
    let mount = with(&target).at(Step::Masks, index)?;
    sys::move_mount(mount.as_fd(), target.as_fd(), c"").at(Step::Masks, index)
}

/// pivot_root(2), section "pivot_root(".", ".")": the old root ends up below the new one and is detached there.
pub(crate) fn pivot(root: &OwnedFd) -> Result<(), StepError> {
    fchdir(root).at(Step::Pivot, 0)?;
    pivot_root(".", ".").at(Step::Pivot, 1)?;
    umount2(".", MntFlags::MNT_DETACH).at(Step::Pivot, 2)?;
    chdir("/").at(Step::Pivot, 3)
}

fn number(value: u64) -> CString {
    CString::new(value.to_string()).expect("digits contain no NUL")
}
