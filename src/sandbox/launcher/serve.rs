//! The launcher's loop: a job comes in, a sandbox is cloned; a sandbox ends, it is cleared away. One thread, no waiting
//! for anything but the next of these.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::ids::HostIds;
use super::sandbox::{self, Sandbox, Slot};
use crate::cgroup::{Groups, JobGroup};
use crate::protocol::{Launch, Report};
use crate::step::{Step, StepError};
use crate::wire;

/// Until the daemon closes its end; then nothing of any job may remain.
pub(super) fn until_closed(daemon: &OwnedFd, ids: HostIds, groups: Option<Groups>) {
    let mut launcher =
        Live { slots: Slots::new(&ids), ids, groups, sandboxes: Vec::new(), left: Vec::new(), launched: 0 };
    while launcher.turn(daemon.as_fd()) {}
    launcher.end();
}

struct Live {
    ids: HostIds,
    slots: Slots,
    groups: Option<Groups>,
    sandboxes: Vec<Sandbox>,
    /// Groups of ended jobs that could not be removed at once; tried again whenever something happens.
    left: Vec<JobGroup>,
    launched: u64,
}

impl Live {
    /// Waits for something to do and does it; `false` when the daemon has gone.
    fn turn(&mut self, daemon: BorrowedFd<'_>) -> bool {
        let mut waiting: Vec<PollFd<'_>> = vec![PollFd::new(daemon, PollFlags::POLLIN)];
        waiting.extend(self.sandboxes.iter().map(|s| PollFd::new(s.pidfd(), PollFlags::POLLIN)));
        match poll(&mut waiting, PollTimeout::NONE) {
            Ok(_) => (),
            Err(Errno::EINTR) => return true,
            Err(_) => return false,
        }
        let ready: Vec<bool> = waiting.iter().map(|fd| fd.any() == Some(true)).collect();
        // A new job before the clearing away of an old one: somebody waits for it.
        let open = !ready[0] || self.accept(daemon);
        for index in (0..ready.len() - 1).rev().filter(|i| ready[i + 1]) {
            let (slot, left) = self.sandboxes.swap_remove(index).clear();
            self.slots.free.insert(slot.number);
            self.left.extend(left);
        }
        self.left = std::mem::take(&mut self.left).into_iter().filter_map(sandbox::not_removed).collect();
        open
    }

    fn accept(&mut self, daemon: BorrowedFd<'_>) -> bool {
        let Ok(message) = wire::receive::<Launch>(daemon) else { return true };
        let Some((Launch { plan }, mut fds)) = message else { return false };
        let Some(socket) = fds.pop() else { return true };
        let Some(number) = self.slots.take() else {
            let error = StepError { step: Step::Cgroup, index: 0, errno: libc::EAGAIN };
            let _ = wire::send(socket.as_fd(), &Report::Failed(error), &[]);
            return true;
        };
        self.launched += 1;
        let name = format!("job-{}", self.launched);
        let slot = Slot::new(number, &self.ids);
        match sandbox::launch(plan, socket, slot, &name, self.groups.as_mut()) {
            Some(sandbox) => self.sandboxes.push(sandbox),
            None => drop(self.slots.free.insert(number)),
        }
        true
    }

    fn end(self) {
        for sandbox in &self.sandboxes {
            sandbox.kill();
        }
        for sandbox in self.sandboxes {
            sandbox.clear();
        }
        if let Some(groups) = self.groups {
            // What is left is swept at the next start.
            let _ = groups.remove_all();
        }
    }
}

/// The lowest free number first: ids that were used lately stay few.
struct Slots {
    /// Given back, all below `next`.
    free: BTreeSet<u32>,
    next: u32,
    end: u32,
}

impl Slots {
    fn new(ids: &HostIds) -> Self {
        Self { free: BTreeSet::new(), next: 0, end: ids.slots() }
    }

    fn take(&mut self) -> Option<u32> {
        self.free.pop_first().or_else(|| {
            let fresh = (self.next < self.end).then_some(self.next)?;
            self.next += 1;
            Some(fresh)
        })
    }
}
