//! The launcher's parent, where the daemon outlives it. When a launcher dies, the keeper clears away what it left and
//! clones the next.
//!
//! What only the start had (id maps, the mount tree, the cgroups) this process has already, so a new launcher takes no
//! exec and no root. The socket goes from one launcher to the next: what the daemon sends meanwhile waits in it, and the
//! keeper reads none of it. It holds what the launcher holds, has its rights, and no job sees it.

#![expect(clippy::disallowed_methods, reason = "the kernel's own file about this process")]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpid, getppid};

use crate::cgroup::Groups;
use crate::sys::{self, Cloned};

/// What the process that comes out of [`keep`] is.
pub(super) enum Part {
    /// The first has life 0.
    Launcher { life: u16 },
    /// Its work is done: the daemon has gone, or launchers die too often.
    Keeper,
}

/// Of the dead of one launcher. What needs longer is stuck in the kernel, and out of our hands.
const REAPING: Duration = Duration::from_secs(2);
const REAPING_PAUSE: Duration = Duration::from_millis(2);

/// Goes on as two processes, in the launcher at once, in the keeper at its end.
pub(super) fn keep(
    daemon: BorrowedFd<'_>,
    groups: Option<&Groups>,
) -> Result<Part, (&'static str, io::Error)> {
    let doing = |what| move |errno: Errno| (what, io::Error::from(errno));
    prctl::set_name(c"stockade-keeper").map_err(doing("taking a name"))?;
    // Orphans of a dead launcher come here, to be killed and waited for.
    prctl::set_child_subreaper(true).map_err(doing("taking in orphans"))?;
    let (own, mut pace) = (getpid(), Pace::default());
    for life in 0..u16::MAX {
        // A mount namespace of its own: what a launcher mounts goes with it.
        let cloned = sys::clone_process(CloneFlags::CLONE_NEWNS.bits(), None);
        let born = Instant::now();
        match cloned {
            Ok(Cloned::Child) => {
                begin(own).map_err(doing("beginning as launcher"))?;
                return Ok(Part::Launcher { life });
            }
            Ok(Cloned::Parent { pidfd, .. }) if ended_well(&pidfd) => return Ok(Part::Keeper),
            Ok(Cloned::Parent { .. }) => clear_away(groups),
            // No memory or no process to be had, for now: nothing has died.
            Err(_) if closed_within(daemon, LONGEST) => return Ok(Part::Keeper),
            Err(_) => continue,
        }
        match pace.died(born, Instant::now()) {
            Some(pause) if !closed_within(daemon, pause) => (),
            _ => break,
        }
    }
    Ok(Part::Keeper)
}

fn begin(keeper: Pid) -> nix::Result<()> {
    prctl::set_name(c"stockade-launch")?;
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // It may have died before that was set.
    if getppid() == keeper { Ok(()) } else { Err(Errno::ESRCH) }
}

/// As it does when the daemon has closed its end, everything cleared away.
fn ended_well(launcher: &OwnedFd) -> bool {
    loop {
        match waitid(Id::PIDFd(launcher.as_fd()), WaitPidFlag::WEXITED) {
            Err(Errno::EINTR) => (),
            ended => return matches!(ended, Ok(WaitStatus::Exited(_, 0))),
        }
    }
}

/// A launcher's children are the first of their pid namespaces, and have its death as theirs (prctl(2),
/// `PR_SET_PDEATHSIG`); one that had not come so far is killed here. The next launcher hands out the same host ids, so
/// all of them are to be gone before.
fn clear_away(groups: Option<&Groups>) {
    // Missing in kernels without CONFIG_PROC_CHILDREN.
    let left = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    for child in left.split_whitespace().filter_map(|pid| pid.parse().ok()) {
        let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
    }
    if let Some(groups) = groups {
        groups.clear();
    }
    let start = Instant::now();
    while start.elapsed() < REAPING {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => sleep(REAPING_PAUSE),
            Err(Errno::ECHILD) => return,
            _ => (),
        }
    }
}

/// Requests may be waiting, so only the end counts.
fn closed_within(daemon: BorrowedFd<'_>, pause: Duration) -> bool {
    let gone = PollFlags::from_bits_retain(libc::POLLRDHUP);
    let timeout = PollTimeout::try_from(pause).unwrap_or(PollTimeout::MAX);
    matches!(poll(&mut [PollFd::new(daemon, gone)], timeout), Ok(1..))
}

/// How soon the next one may follow, and when there are to be no more.
#[derive(Debug, Default)]
struct Pace {
    /// Within the last minute.
    deaths: Vec<Instant>,
    /// In a row that lived for less than [`LIVED`].
    short: u32,
}

/// So many deaths within a minute are no accident.
const MOST_DEATHS: usize = 20;
const WINDOW: Duration = Duration::from_mins(1);
const LIVED: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

impl Pace {
    /// The pause after a death, twice as long each time; `None` when there were too many.
    fn died(&mut self, born: Instant, now: Instant) -> Option<Duration> {
        self.deaths.retain(|death| now.duration_since(*death) < WINDOW);
        self.deaths.push(now);
        if self.deaths.len() > MOST_DEATHS {
            return None;
        }
        if now.duration_since(born) >= LIVED {
            self.short = 0;
            return Some(Duration::ZERO);
        }
        let pause = SHORTEST.saturating_mul(1 << self.short.min(7)).min(LONGEST);
        self.short += 1;
        Some(pause)
    }
}

#[cfg(test)]
mod tests;
