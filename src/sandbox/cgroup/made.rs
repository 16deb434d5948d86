//! From new directories to a job's groups: made, limited, given to the job's uid, opened.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use model::CgroupLimits;
use nix::{
    errno::Errno,
    unistd::{Uid, geteuid, seteuid},
};

use super::{
    dir,
    error::CgroupError,
    find::Controller,
    groups::{Root, Roots},
    job::{Dirs, Entry, JobGroup, Leaf, step_name},
    knobs::Target,
    namespace,
    usage::LeafStats,
};

/// The directories of a job that has none of its limits yet.
#[derive(Debug)]
pub(super) struct Made {
    dirs: Dirs,
    /// In the order of `dirs.jobs`.
    below: Vec<Below>,
}

/// The directories inside a job's directory, in one hierarchy.
#[derive(Debug, Default)]
struct Below {
    init: Option<OwnedFd>,
    steps: Vec<OwnedFd>,
}

impl Made {
    pub(super) fn make(roots: &Arc<Roots>, name: String, steps: usize) -> Result<Self, CgroupError> {
        let dirs = Dirs { name, roots: Arc::clone(roots), jobs: Vec::with_capacity(roots.all.len()), steps };
        let mut made = Self { dirs, below: Vec::with_capacity(roots.all.len()) };
        for root in &roots.all {
            if let Err(error) = made.make_in(root, steps) {
                // The first error says more than what the tidying might meet.
                let _ = made.dirs.remove();
                return Err(error);
            }
        }
        Ok(made)
    }

    fn make_in(&mut self, root: &Root, steps: usize) -> Result<(), CgroupError> {
        let name = &self.dirs.name;
        let job =
            dir::make_dir(root.dir.as_fd(), name).map_err(CgroupError::at("make", &root.label, name))?;
        let mut below = Below::default();
        // Noted before it is filled, so that a failure half way finds it.
        self.dirs.jobs.push(job);
        let Some(job) = self.dirs.jobs.last() else { return Ok(()) };
        if root.has_init() {
            namespace::pass_on(job.as_fd(), &root.controllers, &root.label)?;
            below.init = Some(make_leaf(root, job.as_fd(), "init")?);
        }
        below.steps = (0..steps)
            .map(|index| make_leaf(root, job.as_fd(), &step_name(index)))
            .collect::<Result<_, _>>()?;
        self.below.push(below);
        Ok(())
    }

    /// Adds what a job with more steps than were made ahead needs.
    fn extend(&mut self, steps: usize) -> Result<(), CgroupError> {
        let made = self.dirs.steps;
        self.dirs.steps = made.max(steps);
        let roots = Arc::clone(&self.dirs.roots);
        for ((root, job), below) in roots.all.iter().zip(&self.dirs.jobs).zip(&mut self.below) {
            for index in made..steps {
                below.steps.push(make_leaf(root, job.as_fd(), &step_name(index))?);
            }
        }
        Ok(())
    }

    /// Makes them a job's. On failure nothing stays behind.
    pub(super) fn limit(
        mut self,
        job: &CgroupLimits,
        steps: &[CgroupLimits],
        owner: Option<(u32, u32)>,
    ) -> Result<JobGroup, CgroupError> {
        let opened = self
            .extend(steps.len())
            .and_then(|()| self.write_limits(job, steps))
            .and_then(|()| owner.map_or(Ok(()), |owner| self.give_to(owner, steps.len())))
            .and_then(|()| Ok((self.open_init()?, self.open_tasks(steps.len(), owner)?)));
        match opened.and_then(|(init, tasks)| Ok((init, self.leaves(tasks)?))) {
            Ok((init, steps)) => Ok(JobGroup { init, steps, dirs: self.dirs }),
            Err(error) => {
                let _ = self.dirs.remove();
                Err(error)
            }
        }
    }

    fn write_limits(&self, job: &CgroupLimits, steps: &[CgroupLimits]) -> Result<(), CgroupError> {
        let swap = self.dirs.roots.swap;
        for ((root, group), below) in self.each() {
            let target = |at| Target { at, controllers: &root.controllers, label: &root.label, swap };
            let limit = |at, limits| {
                if root.unified { target(at).limit_v2(limits) } else { target(at).limit_v1(limits) }
            };
            limit(group, job)?;
            for (leaf, limits) in below.steps.iter().zip(steps) {
                limit(leaf.as_fd(), limits)?;
                if root.unified {
                    target(leaf.as_fd()).kill_together()?;
                }
            }
        }
        Ok(())
    }

    /// Lets the job's uid start processes in the leaves: v2 asks for the right to write `cgroup.procs` of the leaf and
    /// of the common ancestor of both ends, v1 for a `tasks` opened by the uid that is to enter.
    fn give_to(&self, owner: (u32, u32), steps: usize) -> Result<(), CgroupError> {
        for ((root, job), below) in self.each() {
            let give = |at, file| {
                dir::chown(at, file, owner).map_err(CgroupError::at("give away", &root.label, file))
            };
            let file = if root.unified { "cgroup.procs" } else { "tasks" };
            if root.unified {
                give(job, file)?;
            }
            for leaf in below.init.iter().chain(below.steps.iter().take(steps)) {
                give(leaf.as_fd(), file)?;
            }
        }
        Ok(())
    }

    /// Opened as the launcher, since init enters before it changes its uid.
    fn open_init(&self) -> Result<Entry, CgroupError> {
        let mut init = Entry { into: None, tasks: Vec::with_capacity(self.below.len()) };
        for ((root, job), below) in self.each() {
            let opened = match (root.unified, &below.init) {
                (true, Some(leaf)) => leaf.try_clone().map(|leaf| init.into = Some(leaf)),
                (true, None) => job.try_clone_to_owned().map(|job| init.into = Some(job)),
                (false, _) => {
                    dir::open_write(job, "tasks").map(|file| init.tasks.push(file)).map_err(Into::into)
                }
            };
            opened.map_err(errno).map_err(CgroupError::at("open", &root.label, "tasks"))?;
        }
        Ok(init)
    }

    /// `tasks` of every step, opened with the job's uid: the kernel compares who opened the file with who is moved
    /// (`__cgroup1_procs_write`), so a descriptor opened by the launcher would be refused.
    fn open_tasks(&self, steps: usize, owner: Option<(u32, u32)>) -> Result<Vec<Vec<OwnedFd>>, CgroupError> {
        let v1 = || self.each().filter(|((root, _), _)| !root.unified);
        let open = || {
            let open_step = |index: usize| {
                let open = |((root, _), below): ((&Root, _), &Below)| {
                    dir::open_write(below.steps[index].as_fd(), "tasks").map_err(CgroupError::at(
                        "open",
                        &root.label,
                        "tasks",
                    ))
                };
                v1().map(open).collect::<Result<Vec<_>, _>>()
            };
            (0..steps).map(open_step).collect()
        };
        match owner {
            Some((uid, _)) if v1().next().is_some() => as_user(Uid::from_raw(uid), open),
            _ => open(),
        }
    }

    fn leaves(&mut self, tasks: Vec<Vec<OwnedFd>>) -> Result<Vec<Leaf>, CgroupError> {
        let roots = Arc::clone(&self.dirs.roots);
        let mut steps: Vec<_> = self.below.iter_mut().map(|below| below.steps.drain(..)).collect();
        tasks
            .into_iter()
            .map(|tasks| {
                let dirs = steps.iter_mut().filter_map(Iterator::next);
                open_leaf(roots.all.iter().zip(dirs), tasks)
            })
            .collect()
    }

    fn each(&self) -> impl Iterator<Item = ((&Root, BorrowedFd<'_>), &Below)> {
        self.dirs.roots.all.iter().zip(self.dirs.jobs.iter().map(AsFd::as_fd)).zip(&self.below)
    }
}

fn make_leaf(root: &Root, job: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, CgroupError> {
    dir::make_dir(job, name).map_err(CgroupError::at("make", &root.label, name))
}

fn open_leaf<'a>(
    dirs: impl Iterator<Item = (&'a Root, OwnedFd)>,
    tasks: Vec<OwnedFd>,
) -> Result<Leaf, CgroupError> {
    let stats = LeafStats { v2: None, v2_controllers: Vec::new(), v1: Vec::with_capacity(tasks.len()) };
    let mut leaf = Leaf { entry: Entry { into: None, tasks }, kill: None, cpu: None, stats };
    for (root, dir) in dirs {
        let opened = |file| CgroupError::at("open", &root.label, file);
        if root.unified {
            leaf.kill = match dir::open_write(dir.as_fd(), "cgroup.kill") {
                Err(Errno::ENOENT) => None,
                file => Some(file.map_err(opened("cgroup.kill"))?),
            };
            leaf.cpu = Some(dir::open_read(dir.as_fd(), "cpu.stat").map_err(opened("cpu.stat"))?);
            leaf.entry.into = Some(dir.try_clone().map_err(errno).map_err(opened(""))?);
            leaf.stats.v2_controllers.clone_from(&root.controllers);
            leaf.stats.v2 = Some(dir);
            continue;
        }
        if root.controllers.contains(&Controller::Cpuacct) {
            let file = "cpuacct.usage";
            leaf.cpu = Some(dir::open_read(dir.as_fd(), file).map_err(opened(file))?);
        }
        leaf.stats.v1.push((root.controllers.clone(), dir));
    }
    Ok(leaf)
}

/// Runs `work` with another effective uid. For a process with one thread: the C library changes all of them.
fn as_user<T>(uid: Uid, work: impl FnOnce() -> Result<T, CgroupError>) -> Result<T, CgroupError> {
    let own = geteuid();
    seteuid(uid).map_err(CgroupError::at("become the owner of", "v1", "tasks"))?;
    let done = work();
    seteuid(own).map_err(|errno| CgroupError::Identity { errno })?;
    done
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn errno(error: std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
