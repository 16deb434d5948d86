//! Mounts by descriptor: attributes are set on a detached mount, which is then moved onto a descriptor. No path is
//! resolved twice, and there is no moment at which a mount is reachable with too many rights (GHSA-3q8j-pf29-vwv8).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

use crate::sys;

const MOST_TRIES: u32 = 1000;

pub(crate) fn make_private() -> io::Result<()> {
    let none = None::<&str>;
    Ok(mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?)
}

/// A detached copy of what is mounted at `path`, with everything below.
pub(crate) fn copy(path: &CStr) -> io::Result<OwnedFd> {
    sys::open_tree(AT_FDCWD, path, sys::OPEN_TREE_CLONE | sys::AT_RECURSIVE)
}

/// A detached bind of one directory or file below `dir`.
pub(crate) fn bind(dir: BorrowedFd<'_>, path: &CStr, attributes: u64) -> io::Result<OwnedFd> {
    let mount = sys::open_tree(dir, path, sys::OPEN_TREE_CLONE | sys::AT_RECURSIVE)?;
    sys::set_mount_attributes(mount.as_fd(), attributes)?;
    Ok(mount)
}

/// A detached overlay whose own marks are `user.overlay.*` attributes, which need no capability on the layers' side.
pub(crate) fn overlay(lower: &CStr, upper: &CStr, work: &CStr) -> io::Result<OwnedFd> {
    let options = [(c"lowerdir", lower), (c"upperdir", upper), (c"workdir", work)];
    sys::new_overlay(&options, sys::ATTR_NOSUID | sys::ATTR_NODEV)
}

/// Attaches `mount` at `path` below `root`; no component of it may be a symlink or lead out of `root`.
pub(crate) fn attach(mount: &OwnedFd, root: BorrowedFd<'_>, path: &CStr) -> io::Result<()> {
    let target = resolve(root, path, OFlag::O_PATH)?;
    sys::move_mount(mount.as_fd(), target.as_fd(), c"")
}

/// Opens `path` below `root`, the one way in which a sandbox's tree is ever entered.
pub(crate) fn resolve(root: BorrowedFd<'_>, path: &CStr, flags: OFlag) -> io::Result<OwnedFd> {
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(beneath());
    Ok(openat2(root, path, how)?)
}

pub(crate) fn create(root: BorrowedFd<'_>, path: &CStr, flags: OFlag, mode: Mode) -> io::Result<OwnedFd> {
    let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    Ok(openat2(root, path, OpenHow::new().flags(flags).mode(mode).resolve(beneath()))?)
}

/// Opens the directory `path` of an image, whose links are followed as its own programs would follow them; nothing that is
/// mounted on it is entered. Only while no program of the job runs.
pub(crate) fn folder_in_root(root: BorrowedFd<'_>, path: &CStr) -> io::Result<OwnedFd> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let resolve =
        ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let how = OpenHow::new().flags(flags).resolve(resolve);
    let mut tries = 0;
    loop {
        // EAGAIN: something was renamed or mounted on this host while the kernel followed a `..` (openat2(2)).
        match openat2(root, path, how) {
            Err(Errno::EAGAIN) if tries < MOST_TRIES => tries += 1,
            result => return Ok(result?),
        }
    }
}

fn beneath() -> ResolveFlag {
    ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS
}

/// For the launcher's own tree, which no job can write.
pub(crate) fn open_path(path: &CStr) -> io::Result<OwnedFd> {
    Ok(nix::fcntl::open(path, OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?)
}
