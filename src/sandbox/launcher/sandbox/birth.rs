//! An init is cloned, and begins once its ids are mapped.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::fcntl::OFlag;
use nix::sched::CloneFlags;
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use crate::cgroup::JobGroup;
use crate::init::{self, Inheritance, StepGroup};
use crate::launcher::Machine;
use crate::launcher::ids::JobIds;
use crate::plan::Foundation;
use crate::step::{At, Step, StepError};
use crate::sys::{self, Cloned};
use crate::wire;

/// Init's pidfd, and the socket that it waits on.
pub(super) fn clone_init(
    foundation: &Foundation,
    ids: &JobIds,
    group: &mut Option<JobGroup>,
    (machine, processor): (&Rc<Machine>, Option<u16>),
) -> Result<(OwnedFd, OwnedFd), StepError> {
    let (ours, theirs) = wire::pair().at(Step::Clone, 0)?;
    let entry = group.as_mut().map(|group| std::mem::take(&mut group.init)).unwrap_or_default();
    let into = entry.entry.into.as_ref().map(AsFd::as_fd);
    match sys::clone_process(namespaces(), into).at(Step::Clone, 2)? {
        Cloned::Child => init::main(Inheritance {
            foundation: foundation.clone(),
            machine: Rc::clone(machine),
            processor,
            group_name: group.as_ref().map(|group| group.name().to_owned()),
            launcher: theirs,
            cgroup: entry,
            steps: step_groups(group.take(), foundation.steps),
        }),
        Cloned::Parent { pid, pidfd } => {
            let begun = write_id_maps(pid, ids)
                .at(Step::IdMap, 1)
                .and_then(|()| wire::send(ours.as_fd(), &(), &[]).at(Step::IdMap, 2));
            if begun.is_err() {
                let _ = sys::pidfd_kill(pidfd.as_fd());
                let _ = waitid(Id::PIDFd(pidfd.as_fd()), WaitPidFlag::WEXITED);
            }
            begun.map(|()| (pidfd, ours))
        }
    }
}

/// Not the cgroup namespace: it is rooted where its maker stands, so init makes it once it has entered (cgroup/namespace.rs).
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
fn write_id_maps(pid: i32, ids: &JobIds) -> io::Result<()> {
    // A job has one group and can get no other; needed too where the launcher itself has no right to set groups.
    write_proc(pid, "setgroups", "deny")?;
    write_proc(pid, "uid_map", &ids.uid_map)?;
    write_proc(pid, "gid_map", &ids.gid_map)
}

fn write_proc(pid: i32, file: &str, text: &str) -> io::Result<()> {
    let path = format!("/proc/{pid}/{file}");
    let file =
        nix::fcntl::open(path.as_str(), OFlag::O_WRONLY | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty())?;
    nix::unistd::write(&file, text.as_bytes())?;
    Ok(())
}
