//! The launcher's end of the subtrees: where jobs' groups are made and removed.

use std::{
    fs::File,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
};

use model::CgroupLimits;
use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
};

use super::{
    claim, dir,
    error::CgroupError,
    find::{self, Controller, Delegation, Subtree, Swap},
    job::JobGroup,
    knobs,
    namespace::{self, CgroupNamespace},
};
use crate::host::CgroupCaps;

/// Steps that a directory made ahead has room for; most jobs have one.
const STEPS_AHEAD: usize = 1;

/// All hierarchies of the launcher, opened once.
#[derive(Debug)]
pub struct Groups {
    roots: Arc<Roots>,
    delegation: Delegation,
    ahead: Vec<JobGroup>,
    made_ahead: u64,
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
    pub fn open(delegation: &Delegation, namespace: CgroupNamespace) -> Result<Self, CgroupError> {
        let (mut all, mut bases, mut locks) = (Vec::new(), Vec::new(), Vec::new());
        if delegation.v2.is_none() && namespace == CgroupNamespace::Own {
            unshare(CloneFlags::CLONE_NEWCGROUP).map_err(CgroupError::at("make", "v1", "a namespace"))?;
        }
        let subtrees = delegation.v2.iter().map(|subtree| (subtree, true));
        for (subtree, unified) in subtrees.chain(delegation.v1.iter().map(|subtree| (subtree, false))) {
            let (root, opened) = open_root(subtree, unified, namespace)?;
            all.push(root);
            bases.push((opened.base, opened.name));
            locks.push(opened.lock);
        }
        Ok(Self {
            roots: Arc::new(Roots { all, swap: delegation.swap }),
            delegation: delegation.clone(),
            ahead: Vec::new(),
            made_ahead: 0,
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

    /// Makes a job's groups with their limits, `owner` being the ids its init will run with if not the launcher's.
    ///
    /// `name` is what an operator sees in the tree, unless the directory was made ahead: v2 cannot rename.
    pub fn create(
        &mut self,
        name: &str,
        job: &CgroupLimits,
        steps: &[CgroupLimits],
        owner: Option<(u32, u32)>,
    ) -> Result<JobGroup, CgroupError> {
        let has = |controller| self.delegation.has(controller);
        for limits in steps.iter().chain([job]) {
            if let Some(layer) = knobs::missing(limits, has, self.roots.swap) {
                return Err(CgroupError::Missing { layer });
            }
        }
        let mut group = match self.ahead.pop() {
            Some(group) => group,
            None => JobGroup::make(&self.roots, name.to_owned(), steps.len())?,
        };
        let done = group.add_steps(steps.len()).and_then(|()| {
            group.steps.truncate(steps.len());
            group.limit(job, steps)?;
            owner.map_or(Ok(()), |owner| group.give_to(owner))
        });
        match done {
            Ok(()) => Ok(group),
            Err(error) => {
                // The first error says more than what the tidying might meet.
                let _ = group.remove();
                Err(error)
            }
        }
    }

    /// Makes directories for jobs to come, so that there are `count`; for when there is nothing else to do.
    ///
    /// Making directories is most of what [`Self::create`] costs.
    pub fn prepare_ahead(&mut self, count: usize) -> Result<(), CgroupError> {
        while self.ahead.len() < count {
            self.made_ahead += 1;
            let name = format!("ahead-{}", self.made_ahead);
            self.ahead.push(JobGroup::make(&self.roots, name, STEPS_AHEAD)?);
        }
        Ok(())
    }

    /// Directories made ahead and not used yet.
    pub fn ahead(&self) -> usize {
        self.ahead.len()
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
fn open_root(
    subtree: &Subtree,
    unified: bool,
    namespace: CgroupNamespace,
) -> Result<(Root, Opened), CgroupError> {
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
        // An earlier launcher's: nothing could enter the tree to root a namespace there.
        namespace::keep(root.dir.as_fd(), controllers, label)?;
        namespace::keep(tree, controllers, label)?;
        if namespace == CgroupNamespace::Own {
            namespace::enter(tree, label)?;
        }
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
