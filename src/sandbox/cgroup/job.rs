//! One job's groups: made, limited, entered, frozen, killed, removed.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use nix::{errno::Errno, unistd::write};

use super::{
    dir,
    error::CgroupError,
    find::Controller,
    groups::{Root, Roots},
    usage::LeafStats,
};

/// The way into a group; by default there is none, and no group.
#[derive(Debug, Default)]
pub struct Entry {
    /// For `CLONE_INTO_CGROUP`; `None` without a v2 tree.
    pub into: Option<OwnedFd>,
    /// `tasks` of each v1 hierarchy, open for writing.
    pub tasks: Vec<OwnedFd>,
}

impl Entry {
    /// Moves the calling thread into the v1 groups: the first thing a cloned process does, while it has one thread.
    ///
    /// `tasks` and `0`, not `cgroup.procs` or an id: only then the kernel skips the threadgroup lock.
    pub fn enter(&self) -> io::Result<()> {
        for tasks in &self.tasks {
            write(tasks, b"0")?;
        }
        Ok(())
    }
}

/// One step's group.
#[derive(Debug)]
pub struct Leaf {
    pub entry: Entry,
    /// `cgroup.kill`: writing `1` kills the step whatever it forked.
    pub kill: Option<OwnedFd>,
    /// For [`super::cpu_usage_us`].
    pub cpu: Option<OwnedFd>,
    pub stats: LeafStats,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Frozen,
}

/// Stops and continues a whole job, its init included. The kernel freezes in its own time, after the call.
#[derive(Debug)]
pub struct Freezer {
    file: OwnedFd,
    words: [&'static str; 2],
}

impl Freezer {
    pub fn set(&self, state: RunState) -> io::Result<()> {
        let [running, frozen] = self.words;
        let word = match state {
            RunState::Running => running,
            RunState::Frozen => frozen,
        };
        write(&self.file, word.as_bytes())?;
        Ok(())
    }
}

/// A job's groups. Dropping it leaves them to [`super::Groups::remove_all`]; [`Self::remove`] is the way.
#[derive(Debug)]
pub struct JobGroup {
    pub init: Entry,
    pub steps: Vec<Leaf>,
    pub(super) dirs: Dirs,
}

/// A job's directories, one for each root and in the roots' order.
#[derive(Debug)]
pub(super) struct Dirs {
    pub(super) name: String,
    pub(super) roots: Arc<Roots>,
    pub(super) jobs: Vec<OwnedFd>,
    /// Step directories in each, some of which may be unused.
    pub(super) steps: usize,
}

impl JobGroup {
    /// The directory's name below each hierarchy's subtree.
    pub fn name(&self) -> &str {
        &self.dirs.name
    }

    /// Opens the switch that pauses the job.
    pub fn freezer(&self) -> Result<Freezer, CgroupError> {
        let unified = self.dirs.each().find(|(root, _)| root.unified);
        let v1 = || self.dirs.each().find(|(root, _)| root.controllers.contains(&Controller::Freezer));
        let (root, job) = unified.or_else(v1).ok_or(CgroupError::Missing { layer: "cgroup.freeze" })?;
        let (file, words) = if root.unified {
            ("cgroup.freeze", ["0", "1"])
        } else {
            ("freezer.state", ["THAWED", "FROZEN"])
        };
        let file = dir::open_write(job, file).map_err(CgroupError::at("open", &root.label, file))?;
        Ok(Freezer { file, words })
    }

    /// Kills every process of the job, the sandbox's init included.
    pub fn kill(&self) -> Result<(), CgroupError> {
        self.dirs.kill()
    }

    /// Removes the groups; may be called again after [`CgroupError::Busy`], which it answers with another kill.
    pub fn remove(&mut self) -> Result<(), CgroupError> {
        self.dirs.remove()
    }
}

impl Dirs {
    fn each(&self) -> impl Iterator<Item = (&Root, BorrowedFd<'_>)> {
        self.roots.all.iter().zip(self.jobs.iter().map(AsFd::as_fd))
    }

    /// Through the unified tree where there is one, since `cgroup.kill` is atomic and the others hold the same.
    fn kill(&self) -> Result<(), CgroupError> {
        let Some((root, job)) = self.each().next() else { return Ok(()) };
        match dir::kill_tree(job) {
            // Removed already.
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(()),
            other => other.map_err(CgroupError::at("kill", &root.label, &self.name)),
        }
    }

    /// From the leaves up, in every hierarchy even if one is busy.
    pub(super) fn remove(&self) -> Result<(), CgroupError> {
        let mut busy = false;
        for (root, job) in self.each() {
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
        for index in 0..self.steps {
            dir::remove_dir(job, &step_name(index))?;
        }
        if root.has_init() {
            dir::remove_dir(job, "init")?;
        }
        dir::remove_dir(root.dir.as_fd(), &self.name)
    }
}

pub(super) fn step_name(index: usize) -> String {
    format!("step-{index}")
}
