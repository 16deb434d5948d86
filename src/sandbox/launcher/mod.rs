//! The launcher: one single-threaded process that clones every sandbox, so the daemon never forks.
//!
//! This file is the daemon's side, a handle. [`start`] brings the process up, [`role`] is what it does first,
//! [`surroundings`] the little world it lives in, [`serve`] its loop. [`keeper`] is its parent, where the daemon outlives it.

mod ahead;
mod ids;
mod keeper;
mod lent;
mod processors;
mod reserve;
mod role;
mod sandbox;
mod serve;
mod slots;
mod start;
pub(crate) mod surroundings;
mod tool;
mod volumes;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::process::Child;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{Shutdown, shutdown};
pub use role::launcher_main;
use serde::{Deserialize, Serialize};
pub use start::StartError;
pub(crate) use surroundings::Machine;
pub use surroundings::Stores;

use crate::cgroup::Delegation;
use crate::host::HostCaps;
use crate::plan::LaunchPlan;
use crate::protocol::Request;
use crate::wire;

/// What `serve` and `run` start the launcher with.
#[derive(Clone, Debug, Default)]
pub struct LauncherOptions {
    /// Further host paths that every job sees read-only.
    pub host_paths: Vec<PathBuf>,
    /// Without them no job has an image or a volume. The folders must exist.
    pub stores: Option<Stores>,
    /// Only [`Launcher::tool`] is asked for: no cgroup is looked for, and none is made.
    pub tools_only: bool,
    /// Layers that may be missing, by name: see [`crate::DEGRADABLE`].
    pub allow_degraded: BTreeSet<String>,
    /// One that dies is followed by another. Without it, its end is that of all jobs to come.
    pub kept: bool,
}

/// The daemon's handle. Dropping it makes the launcher end every sandbox, clean up and exit, and waits for that.
#[derive(Debug)]
pub struct Launcher {
    socket: OwnedFd,
    process: Child,
    /// Its subtrees are removed last, when the launcher stands in them no more.
    delegation: Option<Delegation>,
    host: HostCaps,
    allow_degraded: BTreeSet<String>,
}

/// Newest ABI whose rights this build knows how to grant.
const NEWEST_LANDLOCK: u32 = 7;
/// Killing and clearing away takes milliseconds; a launcher that needs longer is left to finish alone.
const CLEAN_UP_MS: u16 = 5000;
/// With a launcher that takes nothing: another is there within a second, if there is to be one.
const PATIENCE_MS: u16 = 10_000;

impl Launcher {
    /// Subtrees of cgroups that dead daemons had left: how many were removed at the start, and how many could not be.
    pub fn leftovers(&self) -> (u64, u64) {
        self.delegation.as_ref().map_or((0, 0), |found| (found.swept.len() as u64, found.left.len() as u64))
    }

    pub fn host(&self) -> &HostCaps {
        &self.host
    }

    pub fn allow_degraded(&self) -> &BTreeSet<String> {
        &self.allow_degraded
    }

    /// What this handle's end changes in the cgroup filesystems: folders in which it removes one, and files by which this
    /// process goes back to where it stood.
    pub fn touched(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        self.delegation.as_ref().map(Delegation::touched).unwrap_or_default()
    }

    /// Whether there is a launcher, or will be. Neither it nor its keeper sends anything after the start, so the only event
    /// there can be on the socket is the end of both.
    pub fn is_alive(&self) -> bool {
        let mut socket = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        // A signal that is pending ends even a call that does not wait (poll(2), EINTR).
        !matches!(poll(&mut socket, PollTimeout::ZERO), Ok(1..))
    }

    /// Hands the plan over, with the slot of the sandbox that it is over if it is a case, and returns the job's socket at once; everything else arrives there as
    /// [`crate::protocol::Report`]. `WouldBlock` while the launcher takes nothing: [`Self::socket`] is writable when it does.
    pub fn launch(&self, plan: &LaunchPlan, over: Option<u32>) -> io::Result<OwnedFd> {
        let (ours, theirs) = wire::pair()?;
        wire::try_send(
            self.socket.as_fd(),
            &Request::Job { plan: Cow::Borrowed(plan), over },
            &[theirs.as_fd()],
        )?;
        Ok(ours)
    }

    /// To be waited for, not to be read from or written to.
    pub fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Starts the tool on a task and on what it needs for it. It answers on the socket, whose end is its own.
    pub fn tool(&self, task: Vec<u8>, fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
        let (ours, theirs) = wire::pair()?;
        let fds: Vec<_> = std::iter::once(theirs.as_fd()).chain(fds.iter().copied()).collect();
        let request = Request::Tool { task };
        loop {
            match wire::try_send(self.socket.as_fd(), &request, &fds) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.takes_more()?,
                sent => return sent.map(|()| ours),
            }
        }
    }

    fn takes_more(&self) -> io::Result<()> {
        let mut socket = [PollFd::new(self.socket.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut socket, PollTimeout::from(PATIENCE_MS)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        let _ = shutdown(self.socket.as_raw_fd(), Shutdown::Write);
        // Nothing is ever sent back on this socket, so the next event is the launcher's end.
        let mut closed = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        if matches!(poll(&mut closed, PollTimeout::from(CLEAN_UP_MS)), Ok(1..)) {
            let _ = self.process.wait();
            if let Some(delegation) = &mut self.delegation {
                // What is left (root was shed, say) is swept at the next start.
                delegation.release();
            }
        }
    }
}

/// First message to the launcher.
#[derive(Debug, Serialize, Deserialize)]
struct Boot {
    ids: ids::HostIds,
    delegation: Option<Delegation>,
    host_paths: Vec<PathBuf>,
    stores: Option<Stores>,
    kept: bool,
}

/// The launcher's answers while it comes up.
#[derive(Debug, Serialize, Deserialize)]
enum BootReport {
    /// It stands in a new user namespace and waits for its id maps.
    NeedsIdMaps,
    Ready(HostCaps),
    Failed {
        doing: String,
        errno: i32,
    },
}
