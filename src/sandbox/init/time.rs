//! The job's own time namespace: its clocks, and with them `/proc/uptime` and when a process began, count from its start.

use std::io;
use std::os::fd::OwnedFd;

use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::write;
use std::os::fd::AsFd;

use crate::sys::{self, Cloned};

/// clone(2); nix has no name for it.
const NEW_TIME: CloneFlags = CloneFlags::from_bits_retain(0x80);

/// time_namespaces(7): this process stays in the old one, its children are in the new. Returns where the offsets are
/// written.
///
/// To be called with the launcher's user id still: `/proc/self` of an undumpable process belongs to the root of the
/// user namespace that it was executed in.
pub(crate) fn enter() -> io::Result<OwnedFd> {
    unshare(NEW_TIME)?;
    let path = c"/proc/self/timens_offsets";
    Ok(open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?)
}

/// Both clocks are 0 now. The first child that enters makes it final.
pub(crate) fn begin(offsets: &OwnedFd) -> io::Result<()> {
    let (monotonic, boottime) = (sys::clock(libc::CLOCK_MONOTONIC)?, sys::clock(libc::CLOCK_BOOTTIME)?);
    let text = format!("{}\n{}\n", offset("monotonic", monotonic), offset("boottime", boottime));
    write(offsets, text.as_bytes())?;
    Ok(())
}

/// Nanoseconds are never negative, so the seconds go one further down.
fn offset(clock: &str, (seconds, nanoseconds): (i64, i64)) -> String {
    match nanoseconds {
        0 => format!("{clock} {} 0", -seconds),
        _ => format!("{clock} {} {}", -seconds - 1, 1_000_000_000 - nanoseconds),
    }
}

/// Tried in a child, since who has made one passes it on to all that it clones.
pub(crate) fn works() -> bool {
    match sys::clone_process(libc::CLONE_NEWUSER, None) {
        Ok(Cloned::Child) => sys::exit_now(i32::from(unshare(NEW_TIME).is_err())),
        Ok(Cloned::Parent { pidfd, .. }) => {
            let ended = waitid(Id::PIDFd(pidfd.as_fd()), WaitPidFlag::WEXITED);
            matches!(ended, Ok(WaitStatus::Exited(_, 0)))
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::offset;

    #[test]
    fn an_offset_takes_the_clock_back_to_zero() {
        assert_eq!(offset("boottime", (34_748, 910_000_000)), "boottime -34749 90000000");
        assert_eq!(offset("monotonic", (5, 0)), "monotonic -5 0");
        assert_eq!(offset("monotonic", (0, 1)), "monotonic -1 999999999");
    }
}
