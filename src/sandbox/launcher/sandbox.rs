//! One sandbox as the launcher sees it: cloned, named to the daemon, and cleared away when its init has ended.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::pipe2;

use super::ids::HostIds;
use crate::cgroup::{Groups, JobGroup};
use crate::init::{self, Inheritance, StepGroup};
use crate::plan::LaunchPlan;
use crate::protocol::{Handles, Report, StepHandles};
use crate::step::{At, Step, StepError};
use crate::sys::{self, Cloned};
use crate::wire;

/// A place for one job: its host id and the name of its cgroup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) number: u32,
    pub(super) host_uid: u32,
    /// The same id as the launcher's user namespace calls it.
    pub(super) mapped: u32,
    /// Whether it is the job's own, not the launcher's.
    pub(super) own_id: bool,
}

impl Slot {
    pub(super) fn new(number: u32, ids: &HostIds) -> Self {
        let own_id = ids.range.is_some();
        Self { number, host_uid: ids.host_uid(number), mapped: ids.mapped(number), own_id }
    }
}

#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) slot: Slot,
    pidfd: OwnedFd,
    daemon: OwnedFd,
    group: Option<JobGroup>,
    /// Kept open for init's life: its end tells init that the launcher is gone.
    _id_maps_written: OwnedFd,
}

/// Clones a sandbox for `plan`. What goes wrong is reported to the daemon here; then there is nothing left of it.
pub(super) fn launch(
    plan: LaunchPlan,
    daemon: OwnedFd,
    slot: Slot,
    name: &str,
    groups: Option<&mut Groups>,
) -> Option<Sandbox> {
    let started = Instant::now();
    // Made and limited first: no process of a job is ever outside its limits.
    let group = groups.map(|groups| make_group(groups, name, &plan, slot)).transpose();
    let result = group.and_then(|group| clone_init(plan, &daemon, slot, group, started));
    match result {
        Ok((pidfd, group, id_maps_written)) => {
            Some(Sandbox { slot, pidfd, daemon, group, _id_maps_written: id_maps_written })
        }
        Err(error) => {
            let _ = wire::send(daemon.as_fd(), &Report::Failed(error), &[]);
            let _ = wire::send(daemon.as_fd(), &Report::Gone { clean: true }, &[]);
            None
        }
    }
}

fn make_group(groups: &mut Groups, name: &str, plan: &LaunchPlan, slot: Slot) -> Result<JobGroup, StepError> {
    let limits: Vec<_> = plan.steps.iter().map(|step| step.cgroup.clone()).collect();
    let owner = slot.own_id.then_some((slot.mapped, slot.mapped));
    groups.create(name, &plan.cgroup, &limits, owner).map_err(|error| {
        let errno = error.errno().map_or(libc::EPROTO, |errno| errno as i32);
        StepError { step: Step::Cgroup, index: 0, errno }
    })
}

type Clone = (OwnedFd, Option<JobGroup>, OwnedFd);

fn clone_init(
    plan: LaunchPlan,
    daemon: &OwnedFd,
    slot: Slot,
    mut group: Option<JobGroup>,
    started: Instant,
) -> Result<Clone, StepError> {
    let (id_maps_written, writer) = pipe2(OFlag::O_CLOEXEC).at(Step::Clone, 0)?;
    let daemon_for_init = daemon.try_clone().at(Step::Clone, 1)?;
    let entry = group.as_mut().map(|group| std::mem::take(&mut group.init)).unwrap_or_default();
    let into = entry.into.as_ref().map(AsFd::as_fd);
    match sys::clone_process(namespaces(), into).at(Step::Clone, 2)? {
        Cloned::Child => {
            let steps = step_groups(group, plan.steps.len());
            init::main(Inheritance {
                plan,
                daemon: daemon_for_init,
                id_maps_written,
                cgroup: entry,
                steps,
                started,
            })
        }
        Cloned::Parent { pid, pidfd } => {
            // Should one of these fail, the writer closes unwritten and init ends.
            write_id_maps(pid, plan.inside_id, slot.mapped).at(Step::IdMap, 1)?;
            nix::unistd::write(&writer, b"1").at(Step::IdMap, 2)?;
            announce(daemon, slot, &pidfd, group.as_ref(), plan.steps.len());
            Ok((pidfd, group, writer))
        }
    }
}

/// Not the cgroup namespace: it is rooted where its maker stands, so on v1 init makes it after it has entered, and on
/// v2 with `nsdelegate` init could then start nothing in the steps' groups beside its own (cgroup/namespace.rs).
fn namespaces() -> i32 {
    let flags = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    flags.bits()
}

/// In the child: its copy of the group, as far as init needs it. Without cgroups there is nothing to enter or count.
fn step_groups(group: Option<JobGroup>, steps: usize) -> Vec<StepGroup> {
    match group {
        Some(group) => {
            let leaves = group.steps.into_iter();
            leaves.map(|leaf| StepGroup { entry: leaf.entry, stats: Some(leaf.stats) }).collect()
        }
        None => std::iter::repeat_with(StepGroup::default).take(steps).collect(),
    }
}

/// The launcher holds CAP_SETUID in the parent namespace, so no setuid helper is needed (user_namespaces(7)).
fn write_id_maps(pid: i32, inside: u32, mapped: u32) -> io::Result<()> {
    let map = format!("{inside} {mapped} 1");
    // A job has one group and can get no other; needed too where the launcher itself has no right to set groups.
    write_proc(pid, "setgroups", "deny")?;
    write_proc(pid, "uid_map", &map)?;
    write_proc(pid, "gid_map", &map)
}

fn write_proc(pid: i32, file: &str, text: &str) -> io::Result<()> {
    let path = format!("/proc/{pid}/{file}");
    let file =
        nix::fcntl::open(path.as_str(), OFlag::O_WRONLY | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty())?;
    nix::unistd::write(&file, text.as_bytes())?;
    Ok(())
}

fn announce(daemon: &OwnedFd, slot: Slot, pidfd: &OwnedFd, group: Option<&JobGroup>, steps: usize) {
    let mut fds: Vec<BorrowedFd<'_>> = vec![pidfd.as_fd()];
    let steps = (0..steps).map(|i| {
        let leaf = group.map(|group| &group.steps[i]);
        let (cpu, kill) = (leaf.and_then(|l| l.cpu.as_ref()), leaf.and_then(|l| l.kill.as_ref()));
        fds.extend(cpu.map(AsFd::as_fd).into_iter().chain(kill.map(AsFd::as_fd)));
        StepHandles { cpu: cpu.is_some(), kill: kill.is_some() }
    });
    let handles = Handles { steps: steps.collect() };
    let _ = wire::send(daemon.as_fd(), &Report::Cloned { host_uid: slot.host_uid, handles }, &fds);
}

pub(super) fn not_removed(mut group: JobGroup) -> Option<JobGroup> {
    group.remove().is_err().then_some(group)
}

impl Sandbox {
    /// Readable when init has ended.
    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// Init has ended, and with it, by the kernel's rule for PID 1, every process of the sandbox.
    /// Its groups come back when the kernel still counts a dying process in them.
    pub(super) fn clear(self) -> (Slot, Option<JobGroup>) {
        let _ = waitid(Id::PIDFd(self.pidfd.as_fd()), WaitPidFlag::WEXITED);
        let left = self.group.and_then(not_removed);
        let _ = wire::send(self.daemon.as_fd(), &Report::Gone { clean: left.is_none() }, &[]);
        (self.slot, left)
    }

    pub(super) fn kill(&self) {
        let _ = sys::pidfd_kill(self.pidfd.as_fd());
    }
}
