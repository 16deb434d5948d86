//! Volumes of a job, as mounts: only a detached one can be taken into another mount namespace, and only where the volume
//! can still be named can one be made.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;

use crate::plan::VolumePlan;
use crate::step::{At, Step, StepError};
use crate::sys::{self, ATTR_NODEV, ATTR_NOSUID, ATTR_RDONLY};

pub(super) fn mounts(volumes: &[VolumePlan]) -> Result<Vec<OwnedFd>, StepError> {
    volumes.iter().enumerate().map(|(i, volume)| mount(volume).at(Step::Volumes, 200 + i)).collect()
}

fn mount(volume: &VolumePlan) -> io::Result<OwnedFd> {
    if volume.id.is_empty() || !volume.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        // Anything else could lead out of the folder of volumes.
        return Err(Errno::EINVAL.into());
    }
    let path = CString::new(format!("/volumes/{}/fs", volume.id))?;
    let mount = sys::open_tree(AT_FDCWD, &path, sys::OPEN_TREE_CLONE)?;
    let read_only = if volume.read_only { ATTR_RDONLY } else { 0 };
    sys::set_mount_attributes(mount.as_fd(), ATTR_NOSUID | ATTR_NODEV | read_only)?;
    Ok(mount)
}
