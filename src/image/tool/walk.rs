//! Going down and up a tree whose names somebody else has made: by descriptor, no symlink followed, of any depth.

use std::collections::VecDeque;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};

/// Directories on the way down that stay open; those above are found again by `..`.
const MOST_OPEN: usize = 64;

/// The directory at hand, and those above it up to where the walk began.
#[derive(Debug)]
pub(crate) struct Levels {
    open: VecDeque<OwnedFd>,
    ids: Vec<(u64, u64)>,
}

impl Levels {
    pub(crate) fn new(top: BorrowedFd<'_>) -> Result<Self, Errno> {
        let top = folder(top, c".")?;
        Ok(Self { ids: vec![id(top.as_fd())?], open: VecDeque::from([top]) })
    }

    pub(crate) fn here(&self) -> BorrowedFd<'_> {
        self.open.back().expect("the directory at hand is always open").as_fd()
    }

    /// Of directories above the one at hand.
    pub(crate) fn depth(&self) -> usize {
        self.ids.len() - 1
    }

    /// Where it fails, nothing has changed.
    pub(crate) fn down(&mut self, name: &CStr) -> Result<(), Errno> {
        let next = folder(self.here(), name)?;
        self.ids.push(id(next.as_fd())?);
        self.open.push_back(next);
        if self.open.len() > MOST_OPEN {
            self.open.pop_front();
        }
        Ok(())
    }

    /// A directory that was moved meanwhile leads elsewhere: `ESTALE`.
    pub(crate) fn up(&mut self) -> Result<(), Errno> {
        if self.depth() == 0 {
            return Err(Errno::ESTALE);
        }
        if self.open.len() == 1 {
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            let above = openat(self.here(), c"..", flags, Mode::empty())?;
            if id(above.as_fd())? != self.ids[self.ids.len() - 2] {
                return Err(Errno::ESTALE);
            }
            self.open.push_front(above);
        }
        self.open.pop_back();
        self.ids.pop();
        Ok(())
    }
}

fn id(fd: BorrowedFd<'_>) -> Result<(u64, u64), Errno> {
    fstat(fd).map(|stat| (stat.st_dev, stat.st_ino))
}

/// Opens `name`, one component, in the way in which nothing leads out of the tree.
pub(crate) fn open(parent: BorrowedFd<'_>, name: &CStr, flags: OFlag) -> Result<OwnedFd, Errno> {
    let how = OpenHow::new().flags(flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC).resolve(
        ResolveFlag::RESOLVE_BENEATH
            | ResolveFlag::RESOLVE_NO_SYMLINKS
            | ResolveFlag::RESOLVE_NO_MAGICLINKS
            | ResolveFlag::RESOLVE_NO_XDEV,
    );
    openat2(parent, name, how)
}

pub(crate) fn folder(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    open(parent, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY)
}

/// What `name` itself is; `None` where there is nothing.
pub(crate) fn look(parent: BorrowedFd<'_>, name: &CStr) -> Result<Option<FileStat>, Errno> {
    match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

pub(crate) fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

pub(crate) fn is_folder(stat: &FileStat) -> bool {
    kind(stat) == SFlag::S_IFDIR
}

/// Calls `each` with the name of every entry, and whether it is a directory, until it answers false.
pub(crate) fn entries(
    folder: BorrowedFd<'_>,
    mut each: impl FnMut(&CStr, bool) -> Result<bool, Errno>,
) -> Result<(), Errno> {
    let mut dir = Dir::from_fd(self::folder(folder, c".")?)?;
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let inner = match entry.file_type() {
            Some(kind) => kind == Type::Directory,
            None => look(folder, name)?.is_some_and(|stat| is_folder(&stat)),
        };
        if !each(name, inner)? {
            break;
        }
    }
    Ok(())
}

/// Goes through all directories below `top`, each after those below it; `enter` (which is told the depth) says which of its
/// directories to go into.
pub(crate) fn folders_upwards<E: From<Errno>>(
    top: BorrowedFd<'_>,
    mut enter: impl FnMut(BorrowedFd<'_>, usize) -> Result<Vec<CString>, E>,
    mut leave: impl FnMut(BorrowedFd<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut levels = Levels::new(top)?;
    let mut waiting = vec![enter(levels.here(), levels.depth())?];
    while let Some(here) = waiting.last_mut() {
        let Some(name) = here.pop() else {
            leave(levels.here())?;
            waiting.pop();
            if !waiting.is_empty() {
                levels.up()?;
            }
            continue;
        };
        match levels.down(&name) {
            Ok(()) => waiting.push(enter(levels.here(), levels.depth())?),
            // Removed, or replaced, since its name was read.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => (),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}
