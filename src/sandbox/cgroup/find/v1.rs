//! A v1 hierarchy: a directory below the group this process stands in, or below the prepared one.

use std::{os::fd::AsFd, path::Path, sync::Arc};

use super::{Controller, Delegation, FindOptions, Subtree, open_base, prepared, refused};
use crate::cgroup::{claim, dir, error::CgroupError, membership::Hierarchy};

/// Those of `wanted` that this hierarchy is mounted with.
pub(super) fn controllers(hierarchy: &Hierarchy, wanted: &[Controller]) -> Vec<Controller> {
    let mounted =
        |controller: &Controller| hierarchy.controllers.iter().any(|name| name == controller.name());
    wanted.iter().copied().filter(mounted).collect()
}

/// The process need not move: on v1 a process may enter a group from anywhere by writing to its `tasks` itself.
pub(super) fn take(
    found: &mut Delegation,
    hierarchy: &Hierarchy,
    controllers: &[Controller],
    options: &FindOptions,
) -> Result<(), CgroupError> {
    let prepared = prepared(hierarchy);
    let mut last = None;
    for base in [hierarchy.own.as_path(), prepared.as_path()] {
        match take_below(found, base, hierarchy, controllers, options) {
            Err(CgroupError::NotDelegated { tried, errno }) => {
                // A missing prepared tree says less than the refusal before it.
                last.get_or_insert(CgroupError::NotDelegated { tried, errno });
            }
            other => return other,
        }
    }
    last.map_or(Ok(()), Err)
}

fn take_below(
    found: &mut Delegation,
    base: &Path,
    hierarchy: &Hierarchy,
    controllers: &[Controller],
    options: &FindOptions,
) -> Result<(), CgroupError> {
    let refusal = |errno| {
        if refused(errno) {
            CgroupError::NotDelegated { tried: base.to_owned(), errno }
        } else {
            CgroupError::Failed { operation: "make a group in", file: base.display().to_string(), errno }
        }
    };
    let at = open_base(base).map_err(refusal)?;
    let sweep = claim::Sweep::around(base, &hierarchy.mount, &hierarchy.own);
    let (name, lock) = claim::claim(at.as_fd()).map_err(refusal)?;
    found.swept.extend(sweep.removed);
    found.left.extend(sweep.left);
    found.locks.push(Arc::new(lock));
    let path = base.join(&name);
    let label = path.display().to_string();
    found.v1.push(Subtree { path, controllers: controllers.to_vec() });

    let tree = dir::open_dir(at.as_fd(), &name).map_err(CgroupError::at("open", &label, ""))?;
    if controllers.contains(&Controller::Memory) {
        prepare_memory(tree.as_fd(), &label)?;
    }
    if let Some(owner) = options.owner {
        for file in [".", "cgroup.procs", "tasks"] {
            dir::chown(tree.as_fd(), file, owner).map_err(CgroupError::at("give away", &label, file))?;
        }
    }
    Ok(())
}

/// What children inherit is set once here instead of for every job.
fn prepare_memory(tree: std::os::fd::BorrowedFd<'_>, label: &str) -> Result<(), CgroupError> {
    // Before kernel 5.11 a limit counted the children only with this set. Newer kernels always show 1.
    const HIERARCHY: &str = "memory.use_hierarchy";
    if dir::get(tree, HIERARCHY).is_ok_and(|value| value.trim() == "0") {
        dir::put(tree, HIERARCHY, "1").map_err(CgroupError::at("set", label, HIERARCHY))?;
    }
    // The limit on memory and swap together is what holds; this only makes the kernel not try.
    let _ = dir::put(tree, "memory.swappiness", "0");
    Ok(())
}
