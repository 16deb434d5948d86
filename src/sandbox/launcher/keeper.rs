//! The launcher's parent, where the daemon outlives it. When a launcher dies, the keeper clears away what it left and
//! clones the next.
//!
//! What only the start had (id maps, the mount tree, the cgroups) this process has already, so a new launcher takes no
//! exec and no root. The socket goes from one launcher to the next: what the daemon sends meanwhile waits in it, and the
//! keeper reads none of it. It holds what the launcher holds, has its rights, and no job sees it.

#![expect(clippy::disallowed_methods, reason = "the kernel's own file about this process")]

use std::collections::BTreeSet;
use std::io;
use std::os::fd::BorrowedFd;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpid, getppid};

use crate::cgroup::Groups;
use crate::sys::{self, Cloned};

/// What the process that comes out of [`keep`] is.
pub(super) enum Part {
    /// The first has life 0.
    Launcher { life: u16, held: Held },
    /// Its work is done: the daemon has gone, or launchers die too often.
    Keeper,
}

/// User ids, in the launcher's terms, of what a dead launcher left and nothing can end: no other job may have them.
pub(super) type Held = BTreeSet<u32>;

/// Of the dead of one launcher. What needs longer is stuck in the kernel, or frozen by somebody else.
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
    let (own, mut pace, mut held) = (getpid(), Pace::default(), Held::new());
    for life in 0..u16::MAX {
        // A mount namespace of its own: what a launcher mounts goes with it.
        let cloned = sys::clone_process(CloneFlags::CLONE_NEWNS.bits(), None);
        let born = Instant::now();
        match cloned {
            Ok(Cloned::Child) => {
                begin(own).map_err(doing("beginning as launcher"))?;
                return Ok(Part::Launcher { life, held });
            }
            Ok(Cloned::Parent { pid, .. }) if ended_well(Pid::from_raw(pid), life, groups) => {
                return Ok(Part::Keeper);
            }
            Ok(Cloned::Parent { .. }) => match clear_away(daemon, groups) {
                Some(still) => held = still,
                None => return Ok(Part::Keeper),
            },
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

/// Of the names of the groups that a launcher makes.
pub(super) fn prefix(life: u16) -> String {
    format!("job-{life}-")
}

/// As it does when the daemon has closed its end, everything cleared away.
fn ended_well(launcher: Pid, life: u16, groups: Option<&Groups>) -> bool {
    loop {
        match waitpid(None, None) {
            Ok(ended) if ended.pid() == Some(launcher) => return ended == WaitStatus::Exited(launcher, 0),
            // What an earlier one left goes at last.
            Ok(_) => groups.into_iter().for_each(|groups| groups.clear(Some(&prefix(life)))),
            Err(Errno::EINTR) => (),
            Err(_) => return false,
        }
    }
}

/// A launcher's children are the first of their pid namespaces, and have its death as theirs (prctl(2),
/// `PR_SET_PDEATHSIG`); one that had not come so far is killed here. The next launcher hands out the same host ids, but
/// for those of the ones that will not go. `None` when the daemon has gone meanwhile.
fn clear_away(daemon: BorrowedFd<'_>, groups: Option<&Groups>) -> Option<Held> {
    for child in children().unwrap_or_default() {
        let _ = kill(child, Signal::SIGKILL);
    }
    if let Some(groups) = groups {
        groups.clear(None);
    }
    let start = Instant::now();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) if start.elapsed() < REAPING => sleep(REAPING_PAUSE),
            Ok(WaitStatus::StillAlive) => match children().and_then(users) {
                Some(held) => return Some(held),
                // Nobody knows whose they are, so nobody may follow them.
                None if closed_within(daemon, LONGEST) => return None,
                None => (),
            },
            Err(Errno::ECHILD) => return Some(Held::new()),
            _ => (),
        }
    }
}

/// Missing in kernels without CONFIG_PROC_CHILDREN.
fn children() -> Option<Vec<Pid>> {
    let left = std::fs::read_to_string("/proc/thread-self/children").ok()?;
    Some(left.split_whitespace().filter_map(|pid| pid.parse().ok()).map(Pid::from_raw).collect())
}

/// An init has its job's from before any program of that runs; the launcher's own is no job's.
fn users(children: Vec<Pid>) -> Option<Held> {
    let user = |pid: Pid| match std::fs::read_to_string(format!("/proc/{pid}/status")) {
        Ok(status) => real_user(&status),
        // Gone by now.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(0),
        Err(_) => None,
    };
    let mut held: Held = children.into_iter().map(user).collect::<Option<_>>()?;
    held.remove(&0);
    Some(held)
}

/// proc_pid_status(5).
fn real_user(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
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
