//! Removing trees of any depth and width, in bounded memory.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};
// nix has it with glibc alone.
use rustix::fs::{RenameFlags, renameat_with};

use super::failure::Failure;
use super::walk::{self, Levels};

/// Names of directories that wait at one time, over all levels (and one more for each).
const MOST_WAITING: usize = 4096;
/// A directory that is filled as fast as it is emptied has a writer, which is not to be there.
const MOST_PASSES: u32 = 64;
/// Landlock looks at every directory above the one at hand, each time: what is deeper is moved up first.
const MOST_DEPTH: usize = 256;

/// Removes these entries of `folder`; one that is not there is removed already.
pub(crate) fn names(folder: &OwnedFd, names: &[String]) -> Result<(), Failure> {
    for name in names {
        let plain = !matches!(name.as_str(), "" | "." | "..") && !name.contains('/');
        let name = CString::new(name.as_str()).ok().filter(|_| plain);
        entry(folder.as_fd(), &name.ok_or_else(|| Failure::malformed("a name that is no entry's"))?)?;
    }
    Ok(())
}

/// Removes `name` with all below it.
pub(crate) fn entry(parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match walk::look(parent, name)? {
        None => Ok(()),
        Some(stat) if walk::is_folder(&stat) => tree(parent, name),
        Some(_) => gone(unlinkat(parent, name, UnlinkatFlags::NoRemoveDir)),
    }
}

/// A directory on the way down.
struct Level {
    name: CString,
    /// Of its directories, those known to have something in them.
    waiting: Vec<CString>,
    /// How often it seemed empty and was not.
    passes: u32,
}

fn tree(parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    let mut levels = Levels::new(parent)?;
    let mut way = Vec::new();
    let mut waiting = 0;
    let mut moved = 0;
    enter(&mut levels, &mut way, name.to_owned())?;
    let top = walk::folder(levels.here(), c".")?;
    while let Some(level) = way.last_mut() {
        if let Some(next) = level.waiting.pop() {
            waiting -= 1;
            let deep = levels.depth() > MOST_DEPTH;
            if !deep || !move_up(levels.here(), &next, top.as_fd(), &mut moved)? {
                enter(&mut levels, &mut way, next)?;
            }
            continue;
        }
        let most = MOST_WAITING.saturating_sub(waiting).max(1);
        level.waiting = empty(levels.here(), most)?;
        waiting += level.waiting.len();
        if level.waiting.is_empty() {
            leave(&mut levels, &mut way)?;
        }
    }
    Ok(())
}

/// Whether the directory is at the top of what is being removed now, where a later pass finds it.
fn move_up(from: BorrowedFd<'_>, name: &CStr, top: BorrowedFd<'_>, moved: &mut u64) -> Result<bool, Errno> {
    loop {
        let to = CString::new(format!("moved-{moved}")).unwrap_or_default();
        *moved += 1;
        match renameat_with(from, name, top, to.as_c_str(), RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::EXIST) => (),
            Err(rustix::io::Errno::NOENT) => return Err(Errno::ESTALE),
            // Not allowed, or not known to this filesystem: slow, then.
            Err(_) => return Ok(false),
        }
    }
}

fn enter(levels: &mut Levels, way: &mut Vec<Level>, name: CString) -> Result<(), Errno> {
    match levels.down(&name) {
        Err(Errno::EACCES) => {
            admit(levels.here(), &name)?;
            levels.down(&name)?;
        }
        Err(Errno::ENOENT) => return Ok(()),
        other => other?,
    }
    let mode = Mode::from_bits_truncate(fstat(levels.here())?.st_mode);
    if !mode.contains(Mode::S_IRWXU) {
        // Ours or one that we have power over: otherwise what follows fails, and says so.
        let _ = fchmod(levels.here(), Mode::S_IRWXU);
    }
    way.push(Level { name, waiting: Vec::new(), passes: 0 });
    Ok(())
}

fn leave(levels: &mut Levels, way: &mut Vec<Level>) -> Result<(), Errno> {
    let Some(mut level) = way.pop() else { return Ok(()) };
    levels.up()?;
    match unlinkat(levels.here(), level.name.as_c_str(), UnlinkatFlags::RemoveDir) {
        // Some filesystems give names twice or not at all while entries go.
        Err(Errno::ENOTEMPTY | Errno::EEXIST) if level.passes < MOST_PASSES => {
            levels.down(&level.name)?;
            level.passes += 1;
            way.push(level);
            Ok(())
        }
        result => gone(result),
    }
}

/// Removes what can go at once; the answer is directories that cannot.
fn empty(folder: BorrowedFd<'_>, most: usize) -> Result<Vec<CString>, Errno> {
    let mut full = Vec::new();
    walk::entries(folder, |name, is_folder| {
        let flag = if is_folder { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
        match unlinkat(folder, name, flag) {
            Err(Errno::ENOTEMPTY | Errno::EEXIST) if is_folder => full.push(name.to_owned()),
            other => gone(other)?,
        }
        Ok(full.len() < most)
    })?;
    Ok(full)
}

/// Lets us into a directory that its owner has closed. The name was seen to be a directory, and nobody else is in a tree that is
/// being removed.
fn admit(parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
    match walk::look(parent, name)? {
        Some(stat) if walk::is_folder(&stat) => {
            fchmodat(parent, name, Mode::S_IRWXU, FchmodatFlags::FollowSymlink)
        }
        _ => Err(Errno::ESTALE),
    }
}

fn gone(result: Result<(), Errno>) -> Result<(), Errno> {
    if result == Err(Errno::ENOENT) { Ok(()) } else { result }
}
