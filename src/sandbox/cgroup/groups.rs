//! The launcher's end of the subtrees: where jobs' groups are made and removed.

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use model::CgroupLimits;
use nix::errno::Errno;

use super::{
    claim, dir,
    error::CgroupError,
    find::{self, Controller, Delegation, Subtree, Swap},
    job::JobGroup,
    knobs, namespace,
};
use crate::host::CgroupCaps;

/// All hierarchies of the launcher, opened once.
#[derive(Debug)]
pub struct Groups {
    roots: Arc<Roots>,
    delegation: Delegation,
    /// Where the subtrees themselves are, for their removal.
    bases: Vec<(OwnedFd, String)>,
    _locks: Vec<File>,
}

#[derive(Debug)]
pub(super) struct Roots {
    /// v2 first where it is used, since a kill goes through the first.
    pub(super) all: Vec<Root>,
    pub(super) swap: Swap,
}

/// The directory of one hierarchy that the jobs' directories are made in.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) dir: OwnedFd,
    pub(super) unified: bool,
    pub(super) controllers: Vec<Controller>,
    /// For messages.
    pub(super) label: String,
}

impl Root {
    /// v2 with controllers: a job's directory passes them on, so it cannot hold the sandbox's init itself.
    pub(super) fn has_init(&self) -> bool {
        self.unified && !self.controllers.is_empty()
    }
}

impl Groups {
    /// Opens the subtrees, by their paths, and clears away what a dead launcher of the same daemon left in them.
    ///
    /// To be called while `/sys/fs/cgroup` is still mounted, by a process with one thread.
    pub fn open(delegation: &Delegation) -> Result<Self, CgroupError> {
        let (mut all, mut bases, mut locks) = (Vec::new(), Vec::new(), Vec::new());
        let subtrees = delegation.v2.iter().map(|subtree| (subtree, true));
        for (subtree, unified) in subtrees.chain(delegation.v1.iter().map(|subtree| (subtree, false))) {
            let (root, opened) = open_root(subtree, unified)?;
            all.push(root);
            bases.push((opened.base, opened.name));
            locks.push(opened.lock);
        }
        Ok(Self {
            roots: Arc::new(Roots { all, swap: delegation.swap }),
            delegation: delegation.clone(),
            bases,
            _locks: locks,
        })
    }

    /// What jobs here can be held to.
    pub fn caps(&self) -> CgroupCaps {
        let unified =
            |file| self.roots.all.iter().any(|root| root.unified && dir::has(root.dir.as_fd(), file));
        CgroupCaps {
            version: self.delegation.version().to_owned(),
            controllers: self.delegation.controllers(),
            kill: unified("cgroup.kill"),
            freeze: unified("cgroup.freeze") || self.delegation.has(Controller::Freezer),
        }
    }

    /// Makes a job's groups, `owner` being the ids its init will run with if not the launcher's. They have no limits yet:
    /// this is the part that can be done before the job is known, and most of the cost.
    pub fn make(&self, name: &str, steps: usize, owner: Option<(u32, u32)>) -> Result<JobGroup, CgroupError> {
        let mut group = JobGroup::make(&self.roots, name.to_owned(), steps)?;
        if let Some(owner) = owner
            && let Err(error) = group.give_to(owner)
        {
            // The first error says more than what the tidying might meet.
            let _ = group.remove();
            return Err(error);
        }
        Ok(group)
    }

    /// Holds a job to its limits, before the first of its programs starts.
    pub fn limit(
        &self,
        group: &JobGroup,
        job: &CgroupLimits,
        steps: &[CgroupLimits],
    ) -> Result<(), CgroupError> {
        let has = |controller| self.delegation.has(controller);
        for limits in steps.iter().chain([job]) {
            if let Some(layer) = knobs::missing(limits, has, self.roots.swap) {
                return Err(CgroupError::Missing { layer });
            }
        }
        group.limit(job, steps)
    }

    /// Kills every job, thawed, and removes its groups, for a launcher that died: all but those whose names begin as the
    /// living one's. What could not be removed is swept with the subtree.
    pub(crate) fn clear(&self, living: Option<&str>) {
        let bases: Vec<_> = self.roots.all.iter().map(|root| root.dir.as_fd()).collect();
        claim::remove_all(&bases, |name| living.is_none_or(|living| !name.starts_with(living)));
    }

    /// Kills every job and removes all groups; waits up to half a second for the dead to leave theirs.
    ///
    /// On v2 the subtree itself stays, because the launcher stands in it: [`Delegation::release`] removes it.
    pub fn remove_all(self) -> Result<(), CgroupError> {
        for root in &self.roots.all {
            clear(root)?;
        }
        for (base, name) in &self.bases {
            // Best effort: after root was shed the base is not this user's to change, and the next start sweeps.
            let _ = dir::remove_tree(base.as_fd(), name);
        }
        Ok(())
    }
}

/// A subtree's parent, its name there, and the lock that marks it as used by this process too.
struct Opened {
    base: OwnedFd,
    name: String,
    lock: File,
    tree: OwnedFd,
}

fn open_subtree(subtree: &Subtree) -> nix::Result<Opened> {
    let parts = (subtree.path.parent(), subtree.path.file_name().and_then(|name| name.to_str()));
    let (Some(base), Some(name)) = parts else { return Err(Errno::EINVAL) };
    let base = find::open_base(base)?;
    // The daemon holds it, so only a daemon that died meanwhile leaves it to a sweeper.
    let lock = claim::share(base.as_fd(), name)?.ok_or(Errno::ENOENT)?;
    let tree = dir::open_dir(base.as_fd(), name)?;
    Ok(Opened { base, name: name.to_owned(), lock, tree })
}

/// The directory for jobs: on v2 one level down, once the levels above it pass their controllers on.
fn open_root(subtree: &Subtree, unified: bool) -> Result<(Root, Opened), CgroupError> {
    let label = subtree.path.display().to_string();
    let failed = CgroupError::at("open", &label, "");
    let opened = open_subtree(subtree).map_err(failed)?;
    let tree = opened.tree.as_fd();
    let place = if unified { "jobs" } else { "." };
    let dir = dir::open_dir(tree, place).map_err(CgroupError::at("open", &label, place))?;
    let root = Root { dir, unified, controllers: subtree.controllers.clone(), label };
    clear(&root)?;
    if unified {
        let (controllers, label) = (&root.controllers, root.label.as_str());
        namespace::pass_on(tree, controllers, label)?;
        namespace::pass_on(root.dir.as_fd(), controllers, label)?;
    }
    Ok((root, opened))
}

/// Kills and removes all groups in `root`.
fn clear(root: &Root) -> Result<(), CgroupError> {
    let at = root.dir.as_fd();
    for name in dir::children(at).map_err(CgroupError::at("list", &root.label, ""))? {
        claim::remove(at, &name).map_err(CgroupError::at("remove", &root.label, &name))?;
    }
    Ok(())
}
