//! The workspace of a running job, lent to its cases.
//!
//! Every case needs a mount of its own to put below its overlay: only a detached one can be taken into another mount
//! namespace, and taken once. The job's init has given up the right to make any, a case's never had it over the job's
//! mounts; the launcher, above both, attaches what the job lends to its own tree and copies it for each case.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::mount::{MntFlags, umount2};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::{sys, wire};

/// One lent workspace, at a place below `/lent`.
#[derive(Debug)]
pub(super) struct Lent {
    place: CString,
}

impl Lent {
    /// `init` is the socket to the job's init, which has sent the mount before it ran any program.
    pub(super) fn accept(init: &OwnedFd, slot: u32) -> io::Result<Self> {
        let mut sent = [PollFd::new(init.as_fd(), PollFlags::POLLIN)];
        if poll(&mut sent, PollTimeout::ZERO)? == 0 {
            return Err(Errno::EAGAIN.into());
        }
        let ((), mut fds) = wire::receive::<()>(init.as_fd())?.ok_or(Errno::EPIPE)?;
        let mount = fds.pop().ok_or(Errno::EBADMSG)?;
        let place = CString::new(format!("/lent/{slot}"))?;
        mkdirat(AT_FDCWD, place.as_c_str(), Mode::S_IRWXU)?;
        // From here on dropping it tidies up.
        let lent = Self { place };
        sys::move_mount(mount.as_fd(), AT_FDCWD, &lent.place)?;
        Ok(lent)
    }

    /// A detached copy, for one case.
    pub(super) fn copy(&self) -> io::Result<OwnedFd> {
        sys::open_tree(AT_FDCWD, &self.place, sys::OPEN_TREE_CLONE)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Cases that still have a copy keep it.
        let _ = umount2(self.place.as_c_str(), MntFlags::MNT_DETACH);
        let _ = unlinkat(AT_FDCWD, self.place.as_c_str(), UnlinkatFlags::RemoveDir);
    }
}
