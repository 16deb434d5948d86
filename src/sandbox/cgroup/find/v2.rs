//! The v2 hierarchy, where the process has to move before its group can pass controllers on.

use std::{
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::{errno::Errno, unistd::getpid};

use super::{Controller, Delegation, FindOptions, SHELL, Subtree, open_base, prepared, refused};
use crate::cgroup::{claim, dir, error::CgroupError, membership::Hierarchy};

/// What an owner must be able to write, as `/sys/kernel/cgroup/delegate` has it.
const DELEGATED: [&str; 4] = [".", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];

pub(super) fn take(
    found: &mut Delegation,
    hierarchy: &Hierarchy,
    options: &FindOptions,
    hybrid: bool,
) -> Result<(), CgroupError> {
    let mut first = None;
    for base in bases(hierarchy) {
        match take_below(found, &base, hierarchy, options, hybrid) {
            Ok(()) => return Ok(()),
            Err(error) => {
                // The nearest place is the one to mend, unless a better one is merely not stood in.
                match error {
                    CgroupError::Outside { .. } => first = Some(error),
                    error => drop(first.get_or_insert(error)),
                }
            }
        }
    }
    first.map_or(Ok(()), Err)
}

/// The group this process stands in; further up only where no systemd is.
///
/// systemd owns what it did not delegate, and takes controllers away again from groups whose units need none: the
/// limits of jobs there would vanish without a trace.
///
/// The leaf of a prepared tree is for everybody who is put there: who took it for himself, being alone in it at the
/// moment, would keep the next ones out (EBUSY).
fn bases(hierarchy: &Hierarchy) -> Vec<PathBuf> {
    let prepared = prepared(hierarchy);
    let mut bases = vec![hierarchy.own.clone()];
    if hierarchy.own == prepared.join(SHELL) {
        bases.insert(0, prepared.clone());
    }
    if !Path::new("/run/systemd/system").exists() {
        let above = hierarchy.own.ancestors().skip(1);
        bases.extend(above.take_while(|path| path.starts_with(&hierarchy.mount)).map(Path::to_owned));
    }
    bases.push(prepared);
    bases
}

fn take_below(
    found: &mut Delegation,
    base: &Path,
    hierarchy: &Hierarchy,
    options: &FindOptions,
    hybrid: bool,
) -> Result<(), CgroupError> {
    let at = open_base(base).map_err(|errno| not_delegated(base, errno))?;
    let at = at.as_fd();
    let offered = listed(at, "cgroup.controllers").map_err(|errno| not_delegated(base, errno))?;
    if offered.is_empty() && !hybrid {
        return Err(CgroupError::NoControllers { tree: base.to_owned() });
    }
    let missing = not_enabled(at, &offered).map_err(|errno| not_delegated(base, errno))?;
    if !missing.is_empty() && occupied(at) {
        return Err(CgroupError::Occupied { tree: base.to_owned() });
    }

    let sweep = claim::Sweep::around(base, &hierarchy.mount, &hierarchy.own);
    let (name, lock) = claim::claim(at).map_err(|errno| not_delegated(base, errno))?;
    let path = base.join(&name);
    match fill(at, &name, base, &missing, options) {
        Ok(controllers) => {
            found.swept.extend(sweep.removed);
            found.left.extend(sweep.left);
            found.locks.push(Arc::new(lock));
            found.v2 = Some(Subtree { path, controllers });
            found.home = Some(hierarchy.own.clone());
            Ok(())
        }
        Err(error) => {
            leave(&path, &hierarchy.own);
            // Left behind it would be swept as soon as the lock goes.
            let _ = dir::remove_tree(at, &name);
            Err(error)
        }
    }
}

/// Makes the levels, moves this process, then lets the base pass its controllers on: in that order, since a group
/// cannot do so while this process stands in it.
fn fill(
    at: BorrowedFd<'_>,
    name: &str,
    base: &Path,
    missing: &[Controller],
    options: &FindOptions,
) -> Result<Vec<Controller>, CgroupError> {
    let label = base.join(name).display().to_string();
    let tree = dir::open_dir(at, name).map_err(CgroupError::at("open", &label, ""))?;
    let daemon = dir::make_dir(tree.as_fd(), "daemon").map_err(CgroupError::at("make", &label, "daemon"))?;
    let jobs = dir::make_dir(tree.as_fd(), "jobs").map_err(CgroupError::at("make", &label, "jobs"))?;

    dir::put(daemon.as_fd(), "cgroup.procs", "0").map_err(|errno| match errno {
        // The directory is ours, but the common ancestor with where we stand is not: cgroups(7), delegation.
        Errno::EACCES => CgroupError::Outside { tree: base.to_owned() },
        errno => CgroupError::at("enter", &label, "daemon")(errno),
    })?;
    for controller in missing {
        match dir::put(at, "cgroup.subtree_control", &format!("+{}", controller.name())) {
            Err(errno) if refused(errno) => return Err(not_delegated(base, errno)),
            Err(Errno::EBUSY) => return Err(CgroupError::Occupied { tree: base.to_owned() }),
            // Such as cpu beside realtime processes (EINVAL): it stays out of the list below.
            _ => {}
        }
    }
    if let Some(owner) = options.owner {
        for group in [&tree, &daemon, &jobs] {
            for file in DELEGATED {
                dir::chown(group.as_fd(), file, owner).map_err(CgroupError::at("give away", &label, file))?;
            }
        }
    }
    listed(tree.as_fd(), "cgroup.controllers").map_err(CgroupError::at("read", &label, "cgroup.controllers"))
}

fn not_delegated(base: &Path, errno: Errno) -> CgroupError {
    CgroupError::NotDelegated { tried: base.to_owned(), errno }
}

fn listed(at: BorrowedFd<'_>, file: &str) -> nix::Result<Vec<Controller>> {
    let text = dir::get(at, file)?;
    let is_listed = |controller: &Controller| text.split_whitespace().any(|name| name == controller.name());
    Ok(Controller::LIMITS.into_iter().filter(is_listed).collect())
}

fn not_enabled(at: BorrowedFd<'_>, offered: &[Controller]) -> nix::Result<Vec<Controller>> {
    let enabled = listed(at, "cgroup.subtree_control")?;
    Ok(offered.iter().copied().filter(|controller| !enabled.contains(controller)).collect())
}

/// Whether anybody else stands in this group. The root, which has no `cgroup.type`, is free of the rule.
fn occupied(at: BorrowedFd<'_>) -> bool {
    let own = getpid().to_string();
    dir::has(at, "cgroup.type")
        && dir::get(at, "cgroup.procs").is_ok_and(|pids| pids.lines().any(|pid| pid != own))
}

/// Moves this process back to where it stood; `false` where the kernel does not let it.
pub(super) fn leave(tree: &Path, home: &Path) -> bool {
    if let Ok(tree) = open_base(tree) {
        keep_controllers(tree.as_fd());
    }
    let Ok(at) = open_base(home) else { return false };
    // The group that we emptied to pass its controllers on holds processes again only once it keeps them.
    let home_again = || dir::put(at.as_fd(), "cgroup.procs", "0");
    match home_again() {
        Err(Errno::EBUSY) if tree.parent() == Some(home) => {
            keep_controllers(at.as_fd());
            home_again().is_ok()
        }
        moved => moved.is_ok(),
    }
}

/// Best effort: refused where a child passes them on in turn.
fn keep_controllers(at: BorrowedFd<'_>) {
    for controller in Controller::LIMITS {
        let _ = dir::put(at, "cgroup.subtree_control", &format!("-{}", controller.name()));
    }
}
