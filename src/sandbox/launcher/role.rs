//! What the re-executed binary does as `@launcher`, until it can take jobs.
//!
//! Twice executed: once to get a user namespace, once more inside it. The second exec matters: `/proc/PID` of a process
//! that is not dumpable belongs to the root of the namespace it was *executed* in (`mm->user_ns`), and the launcher must
//! be able to write the id maps of its own undumpable children.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::ExitCode;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::umask;
use nix::unistd::{Gid, Uid, execve, setgroups, setresgid, setresuid, setsid};

use super::keeper::{self, Held, Part};
use super::reserve::Reserve;
use super::surroundings::{Mounts, Taken};
use super::tool::Toolbox;
use super::{Boot, BootReport, Machine, NEWEST_LANDLOCK, serve, surroundings};
use crate::cgroup::Groups;
use crate::host::{CgroupCaps, HostCaps};
use crate::tool::Tool;
use crate::{USUAL_UMASK, sys, wire};

/// An operation of the launcher's start and why it failed.
type Failed = (&'static str, io::Error);

/// The role `@launcher SOCKET [inside BOOT]`. `main` must call it before it makes any thread.
pub fn launcher_main(tool: Tool) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| arguments.get(i).and_then(|text| text.parse().ok());
    let (Some(socket), inside) = (number(0), number(1)) else { return ExitCode::from(2) };
    let mounts = number(2)
        .zip(number(3))
        .map(|(layers, volumes)| Mounts { layers: sys::adopt(layers), volumes: sys::adopt(volumes) });
    let socket = sys::adopt(socket);
    // Jobs' ids pass through the folders that are made here, whatever umask(2) the caller has.
    umask(USUAL_UMASK);
    let result = match inside {
        None => enter_user_namespace(&socket),
        Some(boot) => live(&socket, sys::adopt(boot), mounts, tool),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err((doing, error)) => {
            let errno = error.raw_os_error().unwrap_or(libc::EPROTO);
            let _ = wire::send(socket.as_fd(), &BootReport::Failed { doing: doing.into(), errno }, &[]);
            ExitCode::FAILURE
        }
    }
}

fn enter_user_namespace(socket: &OwnedFd) -> Result<(), Failed> {
    let (boot, mounts) = receive::<Boot>(socket)?;
    // Away from the terminal: an interrupt there is for the daemon, which decides what becomes of the jobs.
    setsid().map_err(named("starting a session"))?;
    unshare(CloneFlags::CLONE_NEWUSER).map_err(named("making a user namespace"))?;
    wire::send(socket.as_fd(), &BootReport::NeedsIdMaps, &[]).map_err(|e| ("asking for id maps", e))?;
    receive::<()>(socket)?;
    if boot.ids.range.is_some() {
        // The caller's groups (docker, disk, …) would go along into every job. With a single id map setgroups is denied.
        setgroups(&[]).map_err(named("leaving the caller's groups"))?;
    }
    let (uid, gid) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(gid, gid, gid).map_err(named("becoming the launcher's group"))?;
    setresuid(uid, uid, uid).map_err(named("becoming the launcher's user"))?;
    let boot =
        wire::sealed(c"boot", &postcard::to_stdvec(&boot).map_err(|e| ("packing", io::Error::other(e)))?)
            .map_err(|e| ("packing", e))?;
    let fds: Vec<&OwnedFd> = [socket, &boot].into_iter().chain(&mounts).collect();
    for fd in &fds {
        fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).map_err(named("keeping a descriptor"))?;
    }
    let words = fds.iter().map(|fd| fd.as_raw_fd().to_string());
    let words = std::iter::once(crate::LAUNCHER_ROLE.to_owned()).chain(words);
    let words: Vec<_> =
        words.map(|word| CString::new(word).expect("numbers and a constant hold no NUL")).collect();
    let Err(errno) = execve(c"/proc/self/exe", &words, &[] as &[&std::ffi::CStr]);
    Err(("executing itself inside its user namespace", errno.into()))
}

fn live(socket: &OwnedFd, boot: OwnedFd, mounts: Option<Mounts>, tool: Tool) -> Result<(), Failed> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut std::fs::File::from(boot), &mut bytes).map_err(|e| ("unpacking", e))?;
    let boot: Boot = postcard::from_bytes(&bytes).map_err(|e| ("unpacking", io::Error::other(e)))?;
    fcntl(socket, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(named("keeping a descriptor"))?;
    nix::sys::prctl::set_name(c"stockade-launch").map_err(named("taking a name"))?;
    // No process of a job, nor another of the same user, may read or trace this one.
    nix::sys::prctl::set_dumpable(false).map_err(named("becoming undumpable"))?;
    raise_open_files().map_err(named("raising the number of open files"))?;
    // By descriptor and before the mount namespace changes: /sys is not in the new one.
    let groups = boot.delegation.as_ref().map(Groups::open).transpose();
    let groups = groups.map_err(|e| ("opening the cgroups", io::Error::other(e)))?;
    let stores = mounts.map(Taken::Mounts).or_else(|| boot.stores.clone().map(Taken::Paths));
    let spaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWNET;
    unshare(spaces).map_err(named("making namespaces"))?;
    let (host_paths, machine) = surroundings::build(&boot.host_paths, stores, boot.delegation.as_ref())?;
    let overlay = surroundings::has_overlay();
    let tools = Toolbox::new(tool).map_err(|e| ("preparing the tool", e))?;
    let host = host_caps(&boot, groups.as_ref(), &machine, overlay, host_paths);
    wire::send(socket.as_fd(), &BootReport::Ready(host), &[]).map_err(|e| ("reporting", e))?;
    let part = if boot.kept {
        keeper::keep(socket.as_fd(), groups.as_ref())?
    } else {
        Part::Launcher { life: 0, held: Held::new() }
    };
    if let Part::Launcher { life, held } = part {
        // Too few descriptors: the daemon sees it end, as it would any other. The socket has no reports any more.
        let Ok(reserve) = Reserve::new() else { sys::exit_now(1) };
        serve::until_closed(socket, (life, &held), reserve, boot.ids, groups, machine, tools);
    }
    Ok(())
}

/// A job holds about ten descriptors here; the usual soft limit is there for select(2).
fn raise_open_files() -> Result<(), Errno> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
}

fn host_caps(
    boot: &Boot,
    groups: Option<&Groups>,
    machine: &Machine,
    overlay: bool,
    host_paths: Vec<String>,
) -> HostCaps {
    let uname = nix::sys::utsname::uname().ok();
    let word =
        |text: Option<&std::ffi::OsStr>| text.map_or_else(String::new, |t| t.to_string_lossy().into_owned());
    let abi = sys::landlock_abi().min(NEWEST_LANDLOCK);
    HostCaps {
        kernel: word(uname.as_ref().map(nix::sys::utsname::UtsName::release)),
        architecture: word(uname.as_ref().map(nix::sys::utsname::UtsName::machine)),
        landlock_abi: (abi > 0).then_some(abi),
        cgroup: groups.map_or_else(CgroupCaps::none, Groups::caps),
        id_map: boot.ids.kind(),
        slots: boot.ids.slots(),
        image_ids: boot.ids.image_ids().count,
        overlay,
        time_namespace: machine.time,
        host_paths,
    }
}

fn receive<T: serde::de::DeserializeOwned>(socket: &OwnedFd) -> Result<(T, Vec<OwnedFd>), Failed> {
    match wire::receive::<T>(socket.as_fd()) {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Err(("waiting for the daemon", Errno::ECONNRESET.into())),
        Err(error) => Err(("waiting for the daemon", error)),
    }
}

fn named(doing: &'static str) -> impl Fn(Errno) -> Failed {
    move |errno| (doing, errno.into())
}
