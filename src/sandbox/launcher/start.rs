//! Bringing the launcher up, from the process that will be the daemon.

#![expect(clippy::disallowed_methods, reason = "before any job exists, on the host's own files")]

use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::ids::HostIds;
use super::surroundings::{Stores, mounts_by_root};
use super::{Boot, BootReport, Launcher, LauncherOptions};
use crate::cgroup::{CgroupError, Delegation, FindOptions};
use crate::host::HostCaps;
use crate::wire;

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the launcher could not be started: {0}")]
    Spawn(#[source] io::Error),
    #[error("the launcher's id maps could not be written: {0}")]
    IdMaps(#[source] io::Error),
    #[error("the folders of images and volumes could not be mounted: {0}")]
    Stores(#[source] io::Error),
    #[error("no cgroup to put jobs in: {0}")]
    Cgroup(#[from] CgroupError),
    #[error("the launcher failed while {doing}: {}", Errno::from_raw(*errno).desc())]
    Launcher { doing: String, errno: i32 },
    #[error("the launcher ended before it was ready")]
    Ended,
}

impl Launcher {
    /// Must be called while the process has one thread and no secret: it forks.
    ///
    /// As root this also makes the cgroup subtree that the launcher, as an ordinary user id, then owns.
    pub fn start(options: &LauncherOptions) -> Result<Self, StartError> {
        let ids = HostIds::of_this_user();
        let delegation = delegation(&ids, options)?;
        let (ours, theirs) = wire::pair().map_err(StartError::Spawn)?;
        let mut process = spawn(&theirs).map_err(StartError::Spawn)?;
        drop(theirs);
        let (host_paths, stores) = (options.host_paths.clone(), options.stores.clone());
        let boot = Boot { ids, delegation: delegation.clone(), host_paths, stores, kept: options.kept };
        match handshake(&ours, &boot, process.id(), options.stores.as_ref()) {
            Ok(host) => {
                let allow_degraded = options.allow_degraded.clone();
                Ok(Self { socket: ours, process, delegation, host, allow_degraded })
            }
            Err(error) => {
                // It ends by itself once the socket is closed; waiting for it leaves no zombie.
                drop(ours);
                let _ = process.wait();
                delegation.map(|mut delegation| delegation.release());
                Err(error)
            }
        }
    }
}

fn delegation(ids: &HostIds, options: &LauncherOptions) -> Result<Option<Delegation>, StartError> {
    if options.tools_only {
        return Ok(None);
    }
    let owner = nix::unistd::geteuid().is_root().then_some(ids.launcher);
    match Delegation::find(&FindOptions { owner, allow_swap: options.allow_degraded.contains("cgroup.swap") })
    {
        Ok(found) => Ok(Some(found)),
        Err(_) if options.allow_degraded.contains("cgroup") => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// From a sealed copy of this program in memory: a job that got hold of `/proc/*/exe` could change neither the file on
/// disk nor the copy (CVE-2019-5736).
fn spawn(socket: &OwnedFd) -> io::Result<std::process::Child> {
    let mut program = std::fs::File::open("/proc/self/exe")?;
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut copy = std::fs::File::from(memfd_create(c"stockade", flags)?);
    copy_all(&mut program, &mut copy)?;
    copy.rewind()?;
    seal(&copy)?;
    fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Command::new(format!("/proc/self/fd/{}", copy.as_raw_fd()))
        .arg0(crate::LAUNCHER_ROLE)
        .arg(socket.as_raw_fd().to_string())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}

/// Not io::copy, which splices: pages that are still held elsewhere cannot be sealed.
fn copy_all(from: &mut std::fs::File, to: &mut std::fs::File) -> io::Result<()> {
    let mut piece = vec![0; 1 << 20];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            length => to.write_all(&piece[..length])?,
        }
    }
}

/// EBUSY is said while the kernel itself still holds one of the pages (fcntl(2), F_SEAL_WRITE): on a busy machine that
/// may take longer than it waits.
fn seal(copy: &std::fs::File) -> io::Result<()> {
    for _ in 0..20 {
        match wire::seal(copy.as_fd()) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => sleep(Duration::from_millis(50)),
            sealed => return sealed,
        }
    }
    wire::seal(copy.as_fd())
}

fn handshake(
    socket: &OwnedFd,
    boot: &Boot,
    pid: u32,
    stores: Option<&Stores>,
) -> Result<HostCaps, StartError> {
    let mounts = stores.map(mounts_by_root).transpose().map_err(StartError::Stores)?.flatten();
    let fds: Vec<_> = mounts.iter().flat_map(|all| [all.layers.as_fd(), all.volumes.as_fd()]).collect();
    wire::send(socket.as_fd(), boot, &fds).map_err(StartError::Spawn)?;
    loop {
        let report = wire::receive::<BootReport>(socket.as_fd()).map_err(StartError::Spawn)?;
        match report.ok_or(StartError::Ended)?.0 {
            BootReport::NeedsIdMaps => {
                boot.ids.write_maps(pid).map_err(StartError::IdMaps)?;
                wire::send(socket.as_fd(), &(), &[]).map_err(StartError::Spawn)?;
            }
            BootReport::Ready(host) => return Ok(host),
            BootReport::Failed { doing, errno } => return Err(StartError::Launcher { doing, errno }),
        }
    }
}
