//! New directories for a job, without limits: what can be done before the job is known.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::Arc,
};

use nix::errno::Errno;

use super::{
    dir,
    error::CgroupError,
    find::Controller,
    freezer,
    group::{Group, LeafStats},
    groups::{Root, Roots},
    job::{JobGroup, Leaf, step_name},
    namespace::{InitEntry, InitLeaf},
};

impl JobGroup {
    /// On failure nothing stays behind.
    pub(super) fn make(roots: &Arc<Roots>, name: String, steps: usize) -> Result<Self, CgroupError> {
        let job = Group::new(roots);
        let mut made = Self { init: InitEntry::default(), steps: Vec::new(), name, job, steps_made: 0 };
        match made.make_job(steps).and_then(|()| made.add_steps(steps)) {
            Ok(()) => Ok(made),
            Err(error) => {
                // The first error says more than what the tidying might meet.
                let _ = made.remove();
                Err(error)
            }
        }
    }

    fn make_job(&mut self, steps: usize) -> Result<(), CgroupError> {
        let roots = Arc::clone(&self.job.roots);
        for root in &roots.all {
            self.job.dirs.push(make_dir(root, root.dir.as_fd(), &self.name)?);
        }
        self.init.entry = self.job.entry()?;
        for (root, job) in self.job.each().filter(|(root, _)| root.has_init()) {
            let dir = make_dir(root, job, "init")?;
            self.init.leaf = Some(InitLeaf { dir, controllers: root.controllers.clone(), steps });
        }
        Ok(())
    }

    /// Makes step directories until there are `count`.
    pub(super) fn add_steps(&mut self, count: usize) -> Result<(), CgroupError> {
        for index in self.steps.len()..count {
            // Noted before they exist, so that a failure half way finds them.
            self.steps_made = index + 1;
            let name = step_name(index);
            let mut step = Group::new(&self.job.roots);
            for (root, job) in self.job.each() {
                step.dirs.push(make_dir(root, job, &name)?);
            }
            self.steps.push(open_leaf(step)?);
        }
        Ok(())
    }
}

fn make_dir(root: &Root, at: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, CgroupError> {
    dir::make_dir(at, name).map_err(CgroupError::at("make", &root.label, name))
}

fn open_leaf(group: Group) -> Result<Leaf, CgroupError> {
    let (mut kill, mut cpu) = (None, None);
    for (root, dir) in group.each() {
        let failed = |file| CgroupError::at("open", &root.label, file);
        if root.unified {
            kill = match dir::open_write(dir, "cgroup.kill") {
                // Before kernel 5.14.
                Err(Errno::ENOENT) => None,
                file => Some(file.map_err(failed("cgroup.kill"))?),
            };
            cpu = Some(dir::open_read(dir, "cpu.stat").map_err(failed("cpu.stat"))?);
        } else if root.controllers.contains(&Controller::Cpuacct) {
            cpu = Some(dir::open_read(dir, "cpuacct.usage").map_err(failed("cpuacct.usage"))?);
        }
    }
    let (entry, freezer) = (group.entry()?, freezer::open(&group)?);
    Ok(Leaf { entry, kill, freezer, cpu, stats: LeafStats(group) })
}
