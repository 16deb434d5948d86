//! Whose subtree is whose, across crashes: `flock(2)` on the directory `stockade-PID` itself.
//!
//! Every process that uses a subtree holds a shared lock on it, the daemon from the moment it was made and the
//! launcher through a description of its own; the kernel drops both however they end. A sweeper takes the exclusive
//! lock, which succeeds only when no user is left, and keeps it while it removes. Process ids are not asked: they
//! are reused, and mean something else in another pid namespace.
//!
//! A lock is on a directory, but removal goes by name. So whoever has got a lock, of either kind, checks that the name
//! still leads to what was locked: a sweeper may have removed a directory between its `mkdir` and its first lock, and
//! an owner may have removed one and made another of the same name between a sweeper's `open` and its lock.

use std::{
    fs::{File, TryLockError},
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use nix::{errno::Errno, sys::stat::Mode, unistd::getpid};

use super::{dir, find};

const PREFIX: &str = "stockade-";

/// Killed processes leave their groups a little after the signal; a start may wait this long for them.
const SWEEP_TRIES: u32 = 50;
const SWEEP_PAUSE: Duration = Duration::from_millis(10);

/// Makes and locks a subtree below `base`; its name, and the lock to hold.
pub(super) fn claim(base: BorrowedFd<'_>) -> nix::Result<(String, File)> {
    for attempt in 0..64 {
        // The id may belong to a live daemon of another pid namespace, hence the second number.
        let name = match attempt {
            0 => format!("{PREFIX}{}", getpid()),
            again => format!("{PREFIX}{}-{again}", getpid()),
        };
        match nix::sys::stat::mkdirat(base, name.as_str(), Mode::from_bits_truncate(0o755)) {
            Err(Errno::EEXIST) => continue,
            made => made?,
        }
        if let Some(lock) = share(base, &name)? {
            return Ok((name, lock));
        }
    }
    Err(Errno::EEXIST)
}

/// Marks `name` as used by this process as well; `None` when a sweeper has it, or had.
pub(super) fn share(base: BorrowedFd<'_>, name: &str) -> nix::Result<Option<File>> {
    let file = match dir::open_dir_readable(base, name) {
        Err(Errno::ENOENT) => return Ok(None),
        file => file?,
    };
    let locked = file.try_lock_shared().is_ok() && dir::same_inode(base, name, &file);
    Ok(locked.then_some(file))
}

/// What became of the subtrees that no process uses any more.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    pub(super) removed: Vec<PathBuf>,
    pub(super) left: Vec<PathBuf>,
}

impl Sweep {
    /// Kills and removes every unused subtree in `base` and in its sister groups: a session's own group is another one
    /// after every login. The hierarchy's root has no sisters; there its children are looked into. `own` is where this
    /// process stands.
    pub(super) fn around(base: &Path, mount: &Path, own: &Path) -> Self {
        let mut sweep = Self::default();
        sweep.all_in(base, own, remove);
        let above = base.parent().filter(|parent| parent.starts_with(mount)).unwrap_or(base);
        let groups = find::open_base(above).and_then(|at| dir::children(at.as_fd()));
        for group in groups.unwrap_or_default() {
            let path = above.join(&group);
            if path != base && !is_subtree(&group) {
                sweep.all_in(&path, own, remove);
            }
        }
        sweep
    }

    /// Whoever died just before a start still had processes in its subtree then, which hold the lock to their end. So a stop
    /// looks once more, and kills nobody.
    pub(super) fn empty_ones(base: &Path) {
        Self::default().all_in(base, base, dir::remove_tree);
    }

    fn all_in(&mut self, path: &Path, own: &Path, remove: fn(BorrowedFd<'_>, &str) -> nix::Result<()>) {
        let Ok(base) = find::open_base(path) else { return };
        let base = base.as_fd();
        for name in dir::children(base).unwrap_or_default() {
            let subtree = path.join(&name);
            if !is_subtree(&name) || own.starts_with(&subtree) {
                continue;
            }
            let Ok(file) = dir::open_dir_readable(base, &name) else { continue };
            match file.try_lock() {
                // Its user removed it meanwhile, and the name may already be another's.
                Ok(()) if !dir::same_inode(base, &name, &file) => {}
                Ok(()) if remove(base, &name).is_ok() => self.removed.push(subtree),
                Err(TryLockError::WouldBlock) => {}
                _ => self.left.push(subtree),
            }
        }
    }
}

/// `stockade-PID` or `stockade-PID-N`, but not `stockade-user-UID` or systemd's `stockade-PID.scope`.
fn is_subtree(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        rest.splitn(2, '-').all(digits)
    })
}

/// Kills what is in `name` and removes it, waiting a moment for the dead to leave.
pub(super) fn remove(base: BorrowedFd<'_>, name: &str) -> nix::Result<()> {
    removed(base, name, || dir::kill_tree(dir::open_dir(base, name)?.as_fd()))
}

/// The same for all such groups in these directories, in one time for all of them.
pub(super) fn remove_all(bases: &[BorrowedFd<'_>], which: impl Fn(&str) -> bool) {
    for _ in 0..SWEEP_TRIES {
        let mut busy = false;
        for base in bases.iter().copied() {
            for name in dir::children(base).unwrap_or_default().into_iter().filter(|name| which(name)) {
                if dir::remove_tree(base, &name) == Err(Errno::EBUSY) {
                    busy = true;
                    // Gone meanwhile, or nothing that can be done about.
                    let _ = dir::open_dir(base, &name).and_then(|group| dir::kill_tree(group.as_fd()));
                }
            }
        }
        if !busy {
            return;
        }
        sleep(SWEEP_PAUSE);
    }
}

/// Removes `name`, which this process has left. Of its threads one that ends just then is not moved, and is counted there
/// until it is gone.
pub(super) fn remove_left(base: BorrowedFd<'_>, name: &str) -> nix::Result<()> {
    removed(base, name, || Ok(()))
}

fn removed(base: BorrowedFd<'_>, name: &str, meanwhile: impl Fn() -> nix::Result<()>) -> nix::Result<()> {
    for _ in 0..SWEEP_TRIES {
        match dir::remove_tree(base, name) {
            Err(Errno::EBUSY) => meanwhile()?,
            other => return other,
        }
        sleep(SWEEP_PAUSE);
    }
    Err(Errno::EBUSY)
}

#[cfg(test)]
mod tests {
    use super::is_subtree;

    #[test]
    fn only_own_subtrees_are_swept() {
        assert!(is_subtree("stockade-12") && is_subtree("stockade-12-3"));
        for other in
            ["stockade-", "stockade-user-1000", "stockade-12.scope", "stockade-1-2-3", "stockade-1-", "x"]
        {
            assert!(!is_subtree(other), "{other}");
        }
    }
}
