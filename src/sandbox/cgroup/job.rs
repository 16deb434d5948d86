//! One job's groups: limited, killed, removed. How they are made is in `make.rs`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use model::CgroupLimits;
use nix::errno::Errno;

use super::{
    dir,
    error::CgroupError,
    freezer::{Freezer, FreezerVersion, RunState},
    group::{Entry, Group, LeafStats},
    groups::Root,
    knobs::Target,
    namespace::InitEntry,
};

/// A job's groups. Dropping it leaves them to [`super::Groups::remove_all`]; [`Self::remove`] is the way.
#[derive(Debug)]
pub struct JobGroup {
    /// For the sandbox's init, which must enter before it takes on the job's uid.
    pub init: InitEntry,
    pub steps: Vec<Leaf>,
    pub(super) name: String,
    pub(super) job: Group,
    /// Step directories that exist, some of which may be unused.
    pub(super) steps_made: usize,
}

/// One step's group.
#[derive(Debug)]
pub struct Leaf {
    pub entry: Entry,
    /// `cgroup.kill`: writing `1` kills the step whatever it forked.
    pub kill: Option<OwnedFd>,
    pub freezer: Option<Freezer>,
    /// For [`super::cpu_usage_us`].
    pub cpu: Option<OwnedFd>,
    pub stats: LeafStats,
}

impl JobGroup {
    /// The directory's name below each hierarchy's subtree.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// On v1 the dying of a frozen process, and with it that of its PID 1, waits for this.
    pub fn thaw(&self) {
        let frozen = self.steps.iter().filter_map(|step| step.freezer.as_ref());
        for freezer in frozen.filter(|freezer| freezer.version() == FreezerVersion::V1) {
            // Of a group that is gone there is nothing to thaw.
            let _ = freezer.set(RunState::Running);
        }
    }

    /// Whether the kernel killed a process of the job for memory: on v2 any, on v1 one in no step, which is init.
    pub fn ran_out_of_memory(&self) -> bool {
        self.job.usage().oom_kills.is_some_and(|kills| kills > 0)
    }

    /// Kills every process of the job, the sandbox's init included.
    ///
    /// Through the unified tree where there is one, since `cgroup.kill` is atomic and the others hold the same.
    pub fn kill(&self) -> Result<(), CgroupError> {
        let Some((root, job)) = self.job.each().next() else { return Ok(()) };
        match dir::kill_tree(job) {
            // Removed already.
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(()),
            other => other.map_err(CgroupError::at("kill", &root.label, &self.name)),
        }
    }

    /// Removes the groups, in every hierarchy even if one is busy. May be called again after [`CgroupError::Busy`],
    /// which it answers with another kill.
    pub fn remove(&mut self) -> Result<(), CgroupError> {
        let mut busy = false;
        for (root, job) in self.job.each() {
            match self.remove_in(root, job) {
                Err(Errno::EBUSY) => busy = true,
                other => other.map_err(CgroupError::at("remove", &root.label, &self.name))?,
            }
        }
        if !busy {
            return Ok(());
        }
        self.kill()?;
        Err(CgroupError::Busy { file: self.name.clone() })
    }

    fn remove_in(&self, root: &Root, job: BorrowedFd<'_>) -> nix::Result<()> {
        for index in 0..self.steps_made {
            dir::remove_dir(job, &step_name(index))?;
        }
        if root.has_init() {
            dir::remove_dir(job, "init")?;
        }
        dir::remove_dir(root.dir.as_fd(), &self.name)
    }

    pub(super) fn limit(&self, job: &CgroupLimits, steps: &[CgroupLimits]) -> Result<(), CgroupError> {
        limit(&self.job, job)?;
        for (leaf, limits) in self.steps.iter().zip(steps) {
            limit(&leaf.stats.0, limits)?;
        }
        Ok(())
    }

    /// Lets the job's uid start processes in the leaves: v2 asks for the right to write `cgroup.procs` of the leaf and
    /// of the common ancestor of both ends, v1 for that to write the leaf's `tasks`.
    pub(super) fn give_to(&self, owner: (u32, u32)) -> Result<(), CgroupError> {
        let give = |root: &Root, dir, file| {
            dir::chown(dir, file, owner).map_err(CgroupError::at("give away", &root.label, file))
        };
        for (root, job) in self.job.each().filter(|(root, _)| root.unified) {
            give(root, job, "cgroup.procs")?;
        }
        for (root, leaf) in self.steps.iter().flat_map(|leaf| leaf.stats.0.each()) {
            give(root, leaf, if root.unified { "cgroup.procs" } else { "tasks" })?;
        }
        Ok(())
    }
}

fn limit(group: &Group, limits: &CgroupLimits) -> Result<(), CgroupError> {
    for (root, at) in group.each() {
        let target =
            Target { at, controllers: &root.controllers, label: &root.label, swap: group.roots.swap };
        if root.unified {
            target.limit_v2(limits)?;
        } else {
            target.limit_v1(limits)?;
        }
    }
    Ok(())
}

pub(super) fn step_name(index: usize) -> String {
    format!("step-{index}")
}
