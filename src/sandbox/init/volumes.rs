//! Volumes, and the other directories that a job wants to be there.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag};
use nix::sys::stat::{Mode, mkdirat};

use super::{files, mounts};
use crate::plan::LaunchPlan;
use crate::step::{At, Step, StepError};
use crate::sys::{self, ATTR_NODEV, ATTR_NOSUID, ATTR_RDONLY};

/// Shown of the job's own scratch filesystem, whatever the root is.
const SCRATCH: [&str; 2] = ["/workspace", "/tmp"];
/// Where the host's read-only view has empty directories.
const ROOMS: [&str; 2] = ["/mnt", "/cache"];

/// `mounts` are detached, in the plan's order.
pub(super) fn attach(plan: &LaunchPlan, mounts: &[OwnedFd]) -> Result<(), StepError> {
    let on_host = plan.root.image.is_none();
    if on_host {
        for (i, room) in ROOMS.into_iter().enumerate() {
            furnish(room, plan).at(Step::Volumes, 100 + i)?;
        }
    }
    for (i, (volume, mount)) in plan.volumes.iter().zip(mounts).enumerate() {
        let place = place(&volume.path, on_host).at(Step::Volumes, 2 * i)?;
        sys::move_mount(mount.as_fd(), place.as_fd(), c"").at(Step::Volumes, 2 * i + 1)?;
    }
    Ok(())
}

/// Over an image a workdir that it does not have is made, as other runtimes do. Where it cannot be, the program says so.
pub(super) fn make_workdirs(plan: &LaunchPlan) {
    for step in &plan.steps {
        let _ = place(&step.workdir, false);
    }
}

/// A small filesystem with the mount points below `room`, read-only like what it stands in.
fn furnish(room: &str, plan: &LaunchPlan) -> io::Result<()> {
    let paths = plan.volumes.iter().filter_map(|volume| volume.path.strip_prefix(room)?.strip_prefix('/'));
    let paths: Vec<&str> = paths.collect();
    if paths.is_empty() {
        return Ok(());
    }
    let options = [(c"size", c"65536"), (c"nr_inodes", c"1024"), (c"mode", c"0755")];
    let filesystem = sys::new_filesystem(c"tmpfs", &options, ATTR_NOSUID | ATTR_NODEV)?;
    for path in paths {
        files::make_folders(filesystem.as_fd(), path)?;
    }
    sys::set_mount_attributes(filesystem.as_fd(), ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV)?;
    sys::move_mount(filesystem.as_fd(), AT_FDCWD, &CString::new(room)?)
}

fn place(path: &str, on_host: bool) -> io::Result<OwnedFd> {
    for scratch in SCRATCH {
        if let Some(below) = path.strip_prefix(scratch).and_then(|rest| rest.strip_prefix('/')) {
            return files::make_folders(open(scratch)?.as_fd(), below);
        }
    }
    let relative = path.trim_matches('/');
    if on_host {
        return mounts::resolve(
            open("/")?.as_fd(),
            &CString::new(relative)?,
            OFlag::O_PATH | OFlag::O_DIRECTORY,
        );
    }
    make_in_root(open("/")?.as_fd(), relative)
}

fn open(path: &str) -> io::Result<OwnedFd> {
    sys::open_tree(AT_FDCWD, &CString::new(path)?, 0)
}

/// Each part in turn, with the image's links followed inside its root.
fn make_in_root(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    let mut at = root.try_clone_to_owned()?;
    let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
    for end in ends {
        let whole = CString::new(&path[..end])?;
        at = match mounts::folder_in_root(root, &whole) {
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => {
                let name = path[..end].rsplit('/').next().unwrap_or_default();
                mkdirat(&at, name, Mode::from_bits_truncate(0o755))?;
                mounts::folder_in_root(root, &whole)?
            }
            found => found?,
        };
    }
    Ok(at)
}
