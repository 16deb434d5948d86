//! Cgroup directories as descriptors: the few file operations everything else is made of.

use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::{
    dir::{Dir, Type},
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    sys::{
        signal::{Signal, kill},
        stat::{Mode, mkdirat},
    },
    unistd::{Gid, Pid, Uid, UnlinkatFlags, fchownat, getpid, unlinkat, write},
};

/// Never follows a link: there are none in a cgroup file system, so one that appears is not ours.
const SAFE: OFlag = OFlag::O_CLOEXEC.union(OFlag::O_NOFOLLOW);

/// Good for `*at` calls and for `CLONE_INTO_CGROUP`, and cheaper than opening for reading.
pub(super) fn open_dir(at: BorrowedFd<'_>, name: &str) -> nix::Result<OwnedFd> {
    openat(at, name, OFlag::O_PATH | OFlag::O_DIRECTORY | SAFE, Mode::empty())
}

/// For `flock` and `readdir`, which an `O_PATH` descriptor cannot do.
pub(super) fn open_dir_readable(at: BorrowedFd<'_>, name: &str) -> nix::Result<File> {
    openat(at, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY | SAFE, Mode::empty()).map(File::from)
}

pub(super) fn open_read(at: BorrowedFd<'_>, file: &str) -> nix::Result<OwnedFd> {
    openat(at, file, OFlag::O_RDONLY | SAFE, Mode::empty())
}

pub(super) fn open_write(at: BorrowedFd<'_>, file: &str) -> nix::Result<OwnedFd> {
    openat(at, file, OFlag::O_WRONLY | SAFE, Mode::empty())
}

/// Searchable by all: the job's init reads its usage with the job's own uid.
pub(super) fn make_dir(at: BorrowedFd<'_>, name: &str) -> nix::Result<OwnedFd> {
    mkdirat(at, name, Mode::from_bits_truncate(0o755))?;
    open_dir(at, name)
}

pub(super) fn remove_dir(at: BorrowedFd<'_>, name: &str) -> nix::Result<()> {
    match unlinkat(at, name, UnlinkatFlags::RemoveDir) {
        Err(Errno::ENOENT) => Ok(()),
        other => other,
    }
}

/// One `write`: cgroup files take a value whole or not at all.
pub(super) fn put(at: BorrowedFd<'_>, file: &str, value: &str) -> nix::Result<()> {
    write(open_write(at, file)?, value.as_bytes()).map(drop)
}

pub(super) fn get(at: BorrowedFd<'_>, file: &str) -> nix::Result<String> {
    let mut text = String::new();
    File::from(open_read(at, file)?)
        .read_to_string(&mut text)
        .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    Ok(text)
}

pub(super) fn has(at: BorrowedFd<'_>, file: &str) -> bool {
    nix::sys::stat::fstatat(at, file, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
}

pub(super) fn chown(at: BorrowedFd<'_>, file: &str, (uid, gid): (u32, u32)) -> nix::Result<()> {
    fchownat(at, file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)), AtFlags::AT_SYMLINK_NOFOLLOW)
}

pub(super) fn children(at: BorrowedFd<'_>) -> nix::Result<Vec<String>> {
    let mut dir = Dir::from_fd(open_dir_readable(at, ".")?.into())?;
    let mut names = Vec::new();
    for entry in dir.iter() {
        let entry = entry?;
        if entry.file_type() == Some(Type::Directory)
            && let Ok(name) = entry.file_name().to_str()
            && name != "."
            && name != ".."
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Kills everything in the group and below it.
///
/// Where `cgroup.kill` is missing (v1, or a kernel before 5.14) every listed process is signalled. A fork may slip
/// through between listing and signal, so callers repeat until the directory can be removed.
pub(super) fn kill_tree(at: BorrowedFd<'_>) -> nix::Result<()> {
    match put(at, "cgroup.kill", "1") {
        Err(Errno::ENOENT) => {}
        other => return other,
    }
    for child in children(at)? {
        kill_tree(open_dir(at, &child)?.as_fd())?;
    }
    // On v1 the frozen die only once they are thawed; the other hierarchies have no such file.
    let _ = put(at, "freezer.state", "THAWED");
    for pid in processes(at)? {
        // Gone already, or not ours to kill: removal tells.
        let _ = kill(pid, Signal::SIGKILL);
    }
    Ok(())
}

/// Without this process, and without those of other pid namespaces, which show as 0.
fn processes(at: BorrowedFd<'_>) -> nix::Result<Vec<Pid>> {
    let own = getpid();
    let listed = get(at, "cgroup.procs")?;
    let pids = listed.lines().filter_map(|line| line.parse().ok()).map(Pid::from_raw);
    Ok(pids.filter(|&pid| pid.as_raw() > 0 && pid != own).collect())
}

/// Removes the directory with all below it; `EBUSY` while a process stands in any of them.
pub(super) fn remove_tree(at: BorrowedFd<'_>, name: &str) -> nix::Result<()> {
    let dir = match open_dir(at, name) {
        Err(Errno::ENOENT) => return Ok(()),
        dir => dir?,
    };
    for child in children(dir.as_fd())? {
        remove_tree(dir.as_fd(), &child)?;
    }
    remove_dir(at, name)
}

/// Whether `name` is still the directory that was opened, and not removed or made anew since.
pub(super) fn same_inode(at: BorrowedFd<'_>, name: &str, open: &File) -> bool {
    let here = nix::sys::stat::fstatat(at, name, AtFlags::AT_SYMLINK_NOFOLLOW);
    let held = nix::sys::stat::fstat(open);
    matches!((here, held), (Ok(here), Ok(held)) if (here.st_dev, here.st_ino) == (held.st_dev, held.st_ino))
}
