//! One sandbox as the launcher sees it: cloned, given its job, and cleared away when its init has ended.
//!
//! Cloning does not need the job, so it can be done ahead of it. Nothing is ever used twice: a sandbox made ahead is as
//! fresh as one made on demand, and serves one job.

mod birth;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use super::Machine;
use super::ids::JobIds;
use super::lent::Lent;
use super::processors::Share;
use super::volumes;
use crate::cgroup::{CgroupError, Freezer, Groups, JobGroup};
use crate::plan::{Foundation, LaunchPlan, Workspace};
use crate::protocol::{Assignment, Handles, Report, StepHandles};
use crate::step::{At, Step, StepError};
use crate::{sys, wire};
use birth::clone_init;

/// A place for one job: its number, and its ids.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) number: u32,
    pub(super) ids: JobIds,
}

#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) slot: Slot,
    pub(super) foundation: Foundation,
    pidfd: OwnedFd,
    group: Option<JobGroup>,
    /// To init. Kept open for init's life: its end means the end of the launcher.
    init: Option<OwnedFd>,
    /// The job's socket, once there is a job.
    daemon: Option<OwnedFd>,
    /// The job, until init has it.
    brought: Option<Box<Brought>>,
    /// Whether init is yet to say that it stands in its leaf.
    entering: bool,
    /// Of the sandbox with whose host id this one was made, where it was made for a case of that one's job.
    pub(super) like: Option<u32>,
    lending: Lending,
    /// The processor that its init is on until it has a job.
    pub(super) processor: Option<u16>,
    /// Given with the job.
    pub(super) share: Share,
}

/// What init gets.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) plan: LaunchPlan,
    /// The workspace that a case is over.
    pub(super) over: Option<OwnedFd>,
}

/// Whether cases are run over this sandbox's workspace.
#[derive(Debug)]
enum Lending {
    No,
    Offered,
    Begun { lent: Lent, case: Box<Foundation> },
}

impl Sandbox {
    /// Clones an init and lets it begin. On failure nothing is left.
    pub(super) fn make(
        foundation: Foundation,
        slot: Slot,
        like: Option<u32>,
        name: &str,
        groups: Option<&Groups>,
        of: (&Rc<Machine>, Option<u16>),
    ) -> Result<Self, StepError> {
        let owner = slot.ids.own.then_some((slot.ids.user, slot.ids.group));
        let group = groups.map(|groups| groups.make(name, foundation.steps, owner)).transpose();
        let mut group = group.map_err(|error| cgroup_failed(&error))?;
        let entering = group.as_ref().is_some_and(|group| group.init.leaf.is_some());
        let cloned = clone_init(&foundation, &slot.ids, &mut group, of);
        match cloned {
            Ok((pidfd, init)) => {
                let (init, daemon, brought, lending) = (Some(init), None, None, Lending::No);
                let share = Share::default();
                Ok(Self {
                    slot,
                    foundation,
                    pidfd,
                    group,
                    init,
                    daemon,
                    brought,
                    entering,
                    like,
                    lending,
                    processor: of.1,
                    share,
                })
            }
            Err(error) => {
                group.and_then(not_removed);
                Err(error)
            }
        }
    }

    /// Takes the job, which init gets as soon as it can.
    pub(super) fn assign(&mut self, brought: Brought, daemon: OwnedFd, groups: Option<&Groups>) {
        if brought.plan.workspace == Workspace::Lent {
            self.lending = Lending::Offered;
        }
        self.daemon = Some(daemon);
        self.brought = Some(Box::new(brought));
        if !self.entering || self.init.as_ref().is_some_and(has_spoken) {
            self.hand_over(groups);
        }
    }

    /// Readable when [`Self::hand_over`] is to be called.
    pub(super) fn entering(&self) -> Option<BorrowedFd<'_>> {
        self.init.as_ref().filter(|_| self.entering && self.brought.is_some()).map(AsFd::as_fd)
    }

    /// Gives init its job. Limits first: no program of a job is ever outside them.
    pub(super) fn hand_over(&mut self, groups: Option<&Groups>) {
        let (Some(brought), Some(daemon)) = (self.brought.take(), &self.daemon) else { return };
        if let Err(error) = self.try_hand_over(*brought, daemon, groups) {
            let _ = wire::send(daemon.as_fd(), &Report::Failed(error), &[]);
            // Closed, it ends init.
            self.init = None;
        }
    }

    fn try_hand_over(
        &self,
        Brought { plan, over }: Brought,
        daemon: &OwnedFd,
        groups: Option<&Groups>,
    ) -> Result<(), StepError> {
        let init = self.init.as_ref().ok_or(StepError { step: Step::Clone, index: 9, errno: libc::EBADF })?;
        if self.entering {
            let said = wire::receive::<Result<(), StepError>>(init.as_fd()).at(Step::EnterCgroup, 10)?;
            // It ended before it could say anything.
            said.ok_or(Errno::EPIPE).at(Step::EnterCgroup, 11)?.0?;
        }
        if let (Some(groups), Some(group)) = (groups, &self.group) {
            let steps: Vec<_> = plan.steps.iter().map(|step| step.cgroup.clone()).collect();
            groups.limit(group, &plan.cgroup, &steps).map_err(|error| cgroup_failed(&error))?;
        }
        self.announce(daemon);
        let volumes = volumes::mounts(&plan.volumes)?;
        let mounts = over.iter().chain(&volumes);
        let fds: Vec<_> = std::iter::once(daemon).chain(mounts).map(AsFd::as_fd).collect();
        let processors = self.share.numbers.clone();
        wire::send(init.as_fd(), &Assignment { plan, processors }, &fds).at(Step::Clone, 10)
    }

    pub(super) fn lends(&self) -> bool {
        !matches!(self.lending, Lending::No)
    }

    /// The workspace of this sandbox for a case: a mount of its own.
    pub(super) fn lend(&mut self, case: &Foundation) -> Result<OwnedFd, StepError> {
        if let (Lending::Offered, Some(init)) = (&self.lending, &self.init) {
            let lent = Lent::accept(init, self.slot.number).at(Step::Overlay, 30)?;
            self.lending = Lending::Begun { lent, case: Box::new(case.clone()) };
        }
        match &self.lending {
            Lending::Begun { lent, .. } => lent.copy().at(Step::Overlay, 31),
            _ => Err(StepError { step: Step::Overlay, index: 32, errno: libc::ENOENT }),
        }
    }

    /// What sandboxes made ahead for its cases are made for.
    pub(super) fn case(&self) -> Option<&Foundation> {
        match &self.lending {
            Lending::Begun { case, .. } => Some(case),
            _ => None,
        }
    }

    /// Made for a job that does not come any more: it ends by itself.
    pub(super) fn retire(&mut self) {
        self.init = None;
    }

    fn announce(&self, daemon: &OwnedFd) {
        let mut fds: Vec<BorrowedFd<'_>> = vec![self.pidfd.as_fd()];
        let steps = (0..self.foundation.steps).map(|i| {
            let leaf = self.group.as_ref().map(|group| &group.steps[i]);
            let (cpu, kill) = (leaf.and_then(|l| l.cpu.as_ref()), leaf.and_then(|l| l.kill.as_ref()));
            let freezer = leaf.and_then(|leaf| leaf.freezer.as_ref());
            fds.extend(
                [cpu.map(AsFd::as_fd), kill.map(AsFd::as_fd), freezer.map(AsFd::as_fd)].into_iter().flatten(),
            );
            let freezer = freezer.map(Freezer::version);
            StepHandles { cpu: cpu.is_some(), kill: kill.is_some(), freezer }
        });
        let report = Report::Cloned {
            slot: self.slot.number,
            host_uid: self.slot.ids.host_uid,
            handles: Handles { steps: steps.collect() },
        };
        let _ = wire::send(daemon.as_fd(), &report, &fds);
    }

    /// Readable when init has ended.
    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Init has ended, and with it, by the kernel's rule for PID 1, every process of the sandbox. Its groups come back
    /// when the kernel still counts a dying process in them.
    pub(super) fn clear(self) -> (Slot, Option<JobGroup>) {
        let _ = waitid(Id::PIDFd(self.pidfd.as_fd()), WaitPidFlag::WEXITED);
        let out_of_memory = self.group.as_ref().is_some_and(JobGroup::ran_out_of_memory);
        let left = self.group.and_then(not_removed);
        if let Some(daemon) = self.daemon {
            let _ = wire::send(daemon.as_fd(), &Report::Gone { out_of_memory }, &[]);
        }
        (self.slot, left)
    }

    /// Hung up when the daemon has closed the job's socket.
    pub(super) fn daemon(&self) -> Option<BorrowedFd<'_>> {
        self.daemon.as_ref().map(AsFd::as_fd)
    }

    /// The daemon waits for it no more. Init would end by itself, unless it is stuck somewhere.
    pub(super) fn abandon(&mut self) {
        self.daemon = None;
        self.kill();
    }

    pub(super) fn kill(&self) {
        if let Some(group) = &self.group {
            group.thaw();
        }
        let _ = sys::pidfd_kill(self.pidfd.as_fd());
    }
}

fn cgroup_failed(error: &CgroupError) -> StepError {
    StepError {
        step: Step::Cgroup,
        index: 0,
        errno: error.errno().map_or(libc::EPROTO, |errno| errno as i32),
    }
}

/// Or has ended.
fn has_spoken(init: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(init.as_fd(), PollFlags::POLLIN)], PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

pub(super) fn not_removed(mut group: JobGroup) -> Option<JobGroup> {
    group.remove().is_err().then_some(group)
}
