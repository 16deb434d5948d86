//! The launcher's own small mount namespace, and in it the tree that every `host` sandbox is a copy of.
//!
//! ```text
//! /          tmpfs, only this
//! ├ host/    read-only: the machine's /usr, /bin, /lib*, devices, a little of /etc; copied into every sandbox
//! ├ proc/    the host's, unmasked: without a fully visible one the kernel refuses a job's own (EPERM)
//! ├ empty/   covers masked directories
//! ├ cgroups/ the directories of the jobs' groups, read-only
//! ├ lent/    the workspaces that cases are run over
//! ├ layers/  of images: STATE/images/layers
//! ├ volumes/ STATE/volumes
//! ├ job/     where a sandbox's root is put together   } mount points; what is mounted here
//! ├ scratch/ where its writable files are             } exists only in the sandbox's own namespace
//! └ view/    where what it is told about the machine is }
//! ```
//!
//! Few mounts here means few to copy and to forget for every job: that is a good part of a millisecond.

#![expect(clippy::disallowed_methods, reason = "before any job exists, on the host's own files")]

mod etc;
mod machine;
mod overlay;
mod stores;

use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::mount::{MntFlags, umount2};
use nix::unistd::{chdir, pivot_root};

use crate::cgroup::Delegation;
use crate::init::mounts;
use crate::sys::{self, ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID, ATTR_RDONLY};
pub(crate) use etc::OWN_NAMES;
pub(crate) use machine::Machine;
pub(crate) use overlay::has_overlay;
pub use stores::Stores;
pub(crate) use stores::{Mounts, Taken, mounts_by_root};

type Failed = (&'static str, io::Error);

/// Any directory that every host has; it is covered only in this process's namespace.
const STAGE: &CStr = c"/tmp";
const TOP_LEVEL: [&str; 7] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libexec"];
/// Name and device number: a sandbox gets these and no other device.
const DEVICES: [(&str, u64, u64); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// A detached copy of something of the host, and where below `host/` it goes.
struct Bind {
    target: PathBuf,
    directory: bool,
    mount: OwnedFd,
}

/// Returns the further host paths that are now visible, and what jobs are told about the machine.
pub(crate) fn build(
    host_paths: &[PathBuf],
    stores: Option<Taken>,
    delegation: Option<&Delegation>,
) -> Result<(Vec<String>, Machine), Failed> {
    let doing = |what: &'static str| move |error: io::Error| (what, error);
    mounts::make_private().map_err(doing("leaving mount propagation"))?;
    // All sources first: the stage may cover some of them.
    let mut binds = vec![bind("/usr", true).map_err(doing("taking /usr"))?];
    let mut links = Vec::new();
    for name in TOP_LEVEL {
        top_level(name, &mut binds, &mut links).map_err(doing("taking a top-level directory"))?;
    }
    for (name, major, minor) in DEVICES {
        binds.push(device(name, major, minor).map_err(doing("taking a device"))?);
    }
    let mut shown = Vec::new();
    for path in host_paths {
        binds.extend(further(path).map_err(doing("taking a host path"))?);
        shown.push(path.to_string_lossy().into_owned());
    }
    let stores =
        stores.map(Taken::mounts).transpose().map_err(doing("taking the folders of images and volumes"))?;
    let machine = Machine::read(delegation).map_err(doing("reading about the machine"))?;
    binds.extend(machine.placeholders().map_err(doing("taking a file of a cgroup"))?);
    let cgroups = machine.cgroups().map_err(doing("taking the cgroups"))?;
    let etc = etc::read().map_err(doing("reading /etc"))?;
    let proc = mounts::copy(c"/proc").map_err(doing("taking /proc"))?;

    let stage = sys::new_filesystem(c"tmpfs", &[(c"mode", c"0755")], ATTR_NOSUID | ATTR_NODEV);
    let stage = stage.map_err(doing("making a tmpfs"))?;
    sys::move_mount(stage.as_fd(), AT_FDCWD, STAGE).map_err(doing("attaching the tmpfs"))?;
    enter_stage().map_err(doing("entering the new root"))?;
    sys::move_mount(proc.as_fd(), AT_FDCWD, c"/proc").map_err(doing("attaching /proc"))?;
    if let Some(stores) = stores {
        stores.attach().map_err(doing("attaching the folders of images and volumes"))?;
    }
    attach(&cgroups).map_err(doing("attaching the cgroups"))?;
    host_tree(&binds, &links, &etc, &machine).map_err(doing("building the host tree"))?;
    Ok((shown, machine))
}

fn bind(path: &str, directory: bool) -> io::Result<Bind> {
    let mount = mounts::bind(AT_FDCWD, &c_path(Path::new(path))?, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV)?;
    Ok(Bind { target: path.trim_start_matches('/').into(), directory, mount })
}

/// A link on a host with merged /usr, a directory on another.
fn top_level(name: &str, binds: &mut Vec<Bind>, links: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    let path = format!("/{name}");
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_symlink() => links.push((name.into(), fs::read_link(&path)?)),
        Ok(meta) if meta.is_dir() => binds.push(bind(&path, true)?),
        _ => (),
    }
    Ok(())
}

/// Checked by number, so nobody's link at that name becomes a mount source (CVE-2025-31133).
fn device(name: &str, major: u64, minor: u64) -> io::Result<Bind> {
    let path = format!("/dev/{name}");
    let meta = fs::symlink_metadata(&path)?;
    let number = nix::sys::stat::makedev(major, minor);
    if !meta.file_type().is_char_device() || meta.rdev() != number {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    let mount = mounts::bind(AT_FDCWD, &c_path(Path::new(&path))?, ATTR_NOSUID | ATTR_NOEXEC)?;
    Ok(Bind { target: format!("dev/{name}").into(), directory: false, mount })
}

/// What lies below /usr is there already.
fn further(path: &Path) -> io::Result<Option<Bind>> {
    if path.starts_with("/usr") {
        return Ok(None);
    }
    let directory = fs::metadata(path)?.is_dir();
    let text = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
    bind(text, directory).map(Some)
}

fn enter_stage() -> io::Result<()> {
    chdir(STAGE)?;
    for name in ["host", "proc", "empty", "job", "scratch", "lent", "layers", "volumes", "view", "cgroups"] {
        fs::create_dir(name)?;
    }
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    Ok(chdir("/")?)
}

fn attach(binds: &[Bind]) -> io::Result<()> {
    for bind in binds {
        fs::create_dir_all(&bind.target)?;
        sys::move_mount(bind.mount.as_fd(), AT_FDCWD, &c_path(&bind.target)?)?;
    }
    Ok(())
}

fn host_tree(
    binds: &[Bind],
    links: &[(String, PathBuf)],
    etc: &[etc::Entry],
    machine: &Machine,
) -> io::Result<()> {
    let tree = sys::new_filesystem(c"tmpfs", &[(c"mode", c"0755")], ATTR_NOSUID)?;
    sys::move_mount(tree.as_fd(), AT_FDCWD, c"/host")?;
    for folder in ["usr", "proc", "dev/pts", "dev/shm", "tmp", "workspace", "etc", "mnt", "cache"] {
        fs::create_dir_all(Path::new("/host").join(folder))?;
    }
    for (name, target) in links {
        symlink(target, Path::new("/host").join(name))?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, Path::new("/host/dev").join(name))?;
    }
    etc::write(etc, Path::new("/host/etc"))?;
    machine.write_sys()?;
    for bind in binds {
        let target = Path::new("/host").join(&bind.target);
        if bind.directory {
            fs::create_dir_all(&target)?;
        } else {
            fs::create_dir_all(target.parent().unwrap_or(&target))?;
            fs::File::create(&target)?;
        }
        sys::move_mount(bind.mount.as_fd(), AT_FDCWD, &c_path(&target)?)?;
    }
    // Last, on the whole tree: a job shares this filesystem with every other job.
    let tree = sys::open_tree(AT_FDCWD, c"/host", 0)?;
    sys::set_mount_attributes(tree.as_fd(), ATTR_RDONLY | ATTR_NOSUID)
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}
