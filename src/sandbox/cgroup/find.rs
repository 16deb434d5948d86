//! Where this host lets Stockade make groups, found by making them.

#![expect(clippy::disallowed_methods, reason = "the kernel's own files, which no job can write")]

mod v1;
mod v2;

use std::{
    fs::File,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open},
    sys::stat::{Mode, umask},
    unistd::geteuid,
};
use serde::{Deserialize, Serialize};

use crate::USUAL_UMASK;

use super::{
    claim, dir,
    error::CgroupError,
    membership::{self, Hierarchy},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Controller {
    Memory,
    Pids,
    Cpu,
    /// v1 only: where v2 always counts in `cpu.stat`.
    Cpuacct,
    /// v1 only: where v2 has `cgroup.freeze`.
    Freezer,
}

impl Controller {
    pub(super) const ALL: [Self; 5] = [Self::Memory, Self::Pids, Self::Cpu, Self::Cpuacct, Self::Freezer];

    /// Those that hold a limit.
    pub(super) const LIMITS: [Self; 3] = [Self::Memory, Self::Pids, Self::Cpu];

    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
            Self::Freezer => "freezer",
        }
    }
}

/// Whether a memory limit keeps a job from swap as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Swap {
    /// The kernel accounts it, so every memory limit sets it to 0.
    Limited,
    /// Not accounted, but this host has none.
    Absent,
    /// Not accounted on a host with swap: memory limits are refused, as `cgroup.swap`.
    Unlimited,
    /// The same, but the operator allowed it.
    Allowed,
}

/// One hierarchy's share of a [`Delegation`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subtree {
    /// `BASE/stockade-PID`.
    pub path: PathBuf,
    pub controllers: Vec<Controller>,
}

/// The subtrees that this daemon may fill.
///
/// It keeps them locked against a sweep, so it must live until the launcher has opened them ([`super::Groups`] holds
/// a lock of its own); a copy that went through serde does not hold the lock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delegation {
    /// `None` on a pure v1 host, and where the v2 tree of a hybrid host is closed to this user.
    pub v2: Option<Subtree>,
    pub v1: Vec<Subtree>,
    pub swap: Swap,
    /// Subtrees of dead daemons that were found and removed.
    pub swept: Vec<PathBuf>,
    /// Those that could not be removed.
    pub left: Vec<PathBuf>,
    /// Where the process stood in v2 before it was moved.
    home: Option<PathBuf>,
    #[serde(skip)]
    locks: Vec<Arc<File>>,
}

#[derive(Clone, Copy, Debug)]
pub struct FindOptions {
    /// Set when started as root: the service's ids, which will own the subtree.
    pub owner: Option<(u32, u32)>,
    /// The operator's `--allow-degraded=cgroup.swap`.
    pub allow_swap: bool,
}

impl Delegation {
    /// Makes the subtrees, sweeps dead ones beside them, and on v2 moves this process into the leaf `daemon`.
    ///
    /// For a process with one thread: v2 moves whole processes, but what else runs must not fork meanwhile.
    pub fn find(options: &FindOptions) -> Result<Self, CgroupError> {
        let hierarchies = membership::read()?;
        let mut found = Self::of_subtrees(None, Vec::new(), Swap::Absent);
        // Jobs' ids pass through the groups that are made here, whatever umask(2) the caller has.
        let own = umask(USUAL_UMASK);
        let outcome = found.take_all(&hierarchies, options).and_then(|()| found.check(&hierarchies));
        umask(own);
        if let Err(error) = outcome {
            found.release();
            return Err(error);
        }
        found.swap = found.swap_control(options);
        Ok(found)
    }

    pub(super) fn of_subtrees(v2: Option<Subtree>, v1: Vec<Subtree>, swap: Swap) -> Self {
        let (swept, left) = (Vec::new(), Vec::new());
        Self { v2, v1, swap, swept, left, home: None, locks: Vec::new() }
    }

    fn take_all(&mut self, hierarchies: &[Hierarchy], options: &FindOptions) -> Result<(), CgroupError> {
        let v1_limits = |hierarchy: &Hierarchy| v1::controllers(hierarchy, &Controller::LIMITS);
        let hybrid = hierarchies.iter().any(|hierarchy| !v1_limits(hierarchy).is_empty());
        let mut refused = None;
        if let Some(unified) = hierarchies.iter().find(|hierarchy| hierarchy.unified) {
            match v2::take(self, unified, options, hybrid) {
                // The limits are on v1; without the v2 tree its extras come from v1 too.
                Err(error) if hybrid => refused = Some(error),
                other => other?,
            }
        }
        let wanted = match self.v2 {
            Some(_) => &Controller::LIMITS[..],
            None => &[
                Controller::Memory,
                Controller::Pids,
                Controller::Cpu,
                Controller::Cpuacct,
                Controller::Freezer,
            ],
        };
        for hierarchy in hierarchies {
            let controllers = v1::controllers(hierarchy, wanted);
            if !controllers.is_empty()
                && let Err(error) = v1::take(self, hierarchy, &controllers, options)
            {
                refused = Some(error);
            }
        }
        // Some controllers are better than none: which ones are missing is in the capabilities, and a limit that
        // needs them is refused.
        match refused {
            Some(error) if !self.limits_anything() => Err(error),
            _ => Ok(()),
        }
    }

    fn check(&self, hierarchies: &[Hierarchy]) -> Result<(), CgroupError> {
        if self.limits_anything() {
            return Ok(());
        }
        let tree = hierarchies.first().map_or_else(|| PathBuf::from("/sys/fs/cgroup"), |one| one.own.clone());
        Err(CgroupError::NoControllers { tree })
    }

    fn limits_anything(&self) -> bool {
        Controller::LIMITS.iter().any(|&controller| self.has(controller))
    }

    pub fn has(&self, controller: Controller) -> bool {
        self.subtrees().any(|subtree| subtree.controllers.contains(&controller))
    }

    /// `v2`, `hybrid`, `v1` or `none`.
    pub fn version(&self) -> &'static str {
        match (&self.v2, self.v1.is_empty()) {
            (Some(_), true) => "v2",
            (Some(_), false) => "hybrid",
            (None, false) => "v1",
            (None, true) => "none",
        }
    }

    /// Those that limit something, and `swap` where a memory limit includes it.
    pub fn controllers(&self) -> Vec<String> {
        let limits = Controller::LIMITS.iter().filter(|&&controller| self.has(controller));
        let mut names: Vec<String> = limits.map(|controller| controller.name().to_owned()).collect();
        if self.has(Controller::Memory) && matches!(self.swap, Swap::Limited | Swap::Absent) {
            names.push("swap".to_owned());
        }
        names
    }

    fn subtrees(&self) -> impl Iterator<Item = &Subtree> {
        self.v2.iter().chain(&self.v1)
    }

    fn swap_control(&self, options: &FindOptions) -> Swap {
        let accounted = |subtree: &Subtree| {
            ["memory.swap.max", "memory.memsw.limit_in_bytes"]
                .iter()
                .any(|file| subtree.path.join(file).exists())
        };
        // One line is the heading; no such file means a kernel without swap.
        let has_swap = std::fs::read_to_string("/proc/swaps").is_ok_and(|text| text.lines().count() > 1);
        match self.subtrees().find(|subtree| subtree.controllers.contains(&Controller::Memory)) {
            Some(memory) if accounted(memory) => Swap::Limited,
            _ if !has_swap => Swap::Absent,
            _ if options.allow_swap => Swap::Allowed,
            _ => Swap::Unlimited,
        }
    }

    /// What [`Self::release`] changes: folders in which it removes one, and files by which this process goes home.
    pub fn touched(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let bases = self.v2.iter().chain(&self.v1).filter_map(|subtree| subtree.path.parent());
        let way = |home: &PathBuf| [home.join("cgroup.procs"), home.join("cgroup.subtree_control")];
        let passed_on = self.v2.iter().map(|subtree| subtree.path.join("cgroup.subtree_control"));
        (bases.map(PathBuf::from).collect(), self.home.iter().flat_map(way).chain(passed_on).collect())
    }

    /// Gives the subtrees up once the launcher has ended: kills what it left, moves this process back to where it
    /// stood and removes them. The answer lists those that stay, which is usual after root was shed; the next start
    /// sweeps them.
    pub fn release(&mut self) -> Vec<PathBuf> {
        let mut stay = Vec::new();
        let (bases, _) = self.touched();
        if let Some(subtree) = self.v2.take() {
            // Not the whole tree: this process stands in its other half, and would be killed with it.
            let _ = remove(&subtree.path.join("jobs"), claim::remove);
            let left = self.home.take().is_some_and(|home| v2::leave(&subtree.path, &home));
            let how = if left { claim::remove_left } else { dir::remove_tree };
            stay.extend(remove(&subtree.path, how).is_err().then_some(subtree.path));
        }
        for subtree in self.v1.drain(..) {
            stay.extend(remove(&subtree.path, claim::remove).is_err().then_some(subtree.path));
        }
        self.locks.clear();
        for base in bases {
            claim::Sweep::empty_ones(&base);
        }
        stay
    }
}

fn remove(path: &Path, how: impl FnOnce(BorrowedFd<'_>, &str) -> nix::Result<()>) -> nix::Result<()> {
    let (Some(base), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Err(Errno::EINVAL);
    };
    how(open_base(base)?.as_fd(), name)
}

/// The one place where a path is used: from here on everything goes by descriptors.
pub(super) fn open_base(path: &Path) -> nix::Result<OwnedFd> {
    open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

/// The leaf of such a tree that the user's shells stand in.
pub(super) const SHELL: &str = "shell";

/// The convention for trees that root prepares for a user; see [`super::print_setup`].
pub(super) fn prepared_name(uid: u32) -> String {
    format!("stockade-user-{uid}")
}

fn prepared(hierarchy: &Hierarchy) -> PathBuf {
    hierarchy.mount.join(prepared_name(geteuid().as_raw()))
}

/// The refusals after which another place may do.
fn refused(errno: Errno) -> bool {
    matches!(errno, Errno::EACCES | Errno::EPERM | Errno::EROFS | Errno::ENOENT)
}
