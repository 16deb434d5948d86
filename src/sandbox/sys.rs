//! Every `unsafe` block of Stockade: system calls that neither nix nor std offers in a safe form.
//!
//! Two invariants carry most of the proofs below:
//!
//! * **one thread**: the launcher and everything cloned from it never start a thread, so a child may go on running
//!   ordinary Rust (no lock can be held by a thread that the clone did not copy).
//! * **owned results**: a descriptor that the kernel has just returned belongs to nobody else.

#![allow(unsafe_code, reason = "this is the one file that may")]

use std::ffi::CStr;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long, c_uint, c_ulong};

/// clone(2); libc's constant has too small a type.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Where one process goes on as two.
#[derive(Debug)]
pub(crate) enum Cloned {
    Child,
    Parent { pid: i32, pidfd: OwnedFd },
}

/// clone3(2) with a pidfd, `SIGCHLD` at exit and, where given, straight into a cgroup (no migration: core of the speed).
pub(crate) fn clone_process(namespaces: c_int, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    let mut pidfd: RawFd = -1;
    // SAFETY: clone_args is a plain struct of integers for which all zeroes is the documented default.
    let mut args: libc::clone_args = unsafe { zeroed() };
    args.flags = u64::from((namespaces | libc::CLONE_PIDFD).cast_unsigned());
    args.pidfd = (&raw mut pidfd) as u64;
    args.exit_signal = libc::SIGCHLD as u64;
    if let Some(dir) = cgroup {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = u64::from(dir.as_raw_fd().cast_unsigned());
    }
    // SAFETY: no CLONE_VM, so the child has its own copy of all memory; "one thread" makes that copy consistent.
    // `args` and `pidfd` outlive the call.
    let pid =
        check(unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<libc::clone_args>()) })?;
    match i32::try_from(pid) {
        Ok(0) => Ok(Cloned::Child),
        Ok(pid) => Ok(Cloned::Parent { pid, pidfd: adopt(pidfd) }),
        Err(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Ends this process at once: no destructor, no buffer of the process it was cloned from is flushed twice.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Takes over a descriptor that was received or inherited by number.
///
/// The caller must have got `fd` from the kernel (recvmsg, exec protocol) and hand it over exactly once.
pub(crate) fn adopt(fd: RawFd) -> OwnedFd {
    assert!(fd >= 0, "the kernel promised a descriptor");
    // SAFETY: "owned results": every caller passes a number that the kernel gave to it alone.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Room for SCM_MAX_FD (253) of them behind one header; of a type that is aligned as `cmsghdr` must be.
pub(crate) type Control = [u64; 136];

/// One packet off a `SOCK_SEQPACKET` socket.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) length: usize,
    /// What came with it, over zeroes; whoever parses it owns the descriptors in it.
    pub(crate) control: Control,
    /// It was longer than `packet`.
    pub(crate) is_cut: bool,
    /// This process had no room for all of its descriptors.
    pub(crate) is_short: bool,
}

/// recvmsg(2) with descriptors. nix tells nothing of those that came with a message whose others did not (no more room in
/// the table of this process): they would stay open for ever.
pub(crate) fn receive(socket: BorrowedFd<'_>, packet: &mut [u8]) -> io::Result<Packet> {
    let mut control: Control = [0; _];
    let mut part = libc::iovec { iov_base: packet.as_mut_ptr().cast(), iov_len: packet.len() };
    // SAFETY: msghdr is a plain struct for which all zeroes is "nothing".
    let mut header: libc::msghdr = unsafe { zeroed() };
    header.msg_iov = &raw mut part;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(&control) as _;
    // SAFETY: the header leads to `part`, `packet` and `control`, which outlive the call, with their true lengths.
    let length = check(
        unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, libc::MSG_CMSG_CLOEXEC) } as c_long,
    )?;
    let has = |flag| header.msg_flags & flag != 0;
    let (is_cut, is_short) = (has(libc::MSG_TRUNC), has(libc::MSG_CTRUNC));
    let length = usize::try_from(length).map_err(io::Error::other)?;
    Ok(Packet { length, control, is_cut, is_short })
}

/// Closes every descriptor from `first` to `last`.
///
/// Only called by a fresh child that owns none of them through a live Rust value it will use or drop: it ends by exec
/// or [`exit_now`].
pub(crate) fn close_range(first: c_uint, last: c_uint) -> io::Result<()> {
    // SAFETY: by the contract above no OwnedFd in this range is used again in this process.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, last, 0 as c_uint) }).map(drop)
}

pub(crate) const OPEN_TREE_CLONE: c_uint = 1;
pub(crate) const AT_RECURSIVE: c_uint = 0x8000;

/// open_tree(2): a detached copy of the mount at `path`, with all below it when `AT_RECURSIVE` is set.
pub(crate) fn open_tree(dir: BorrowedFd<'_>, path: &CStr, flags: c_uint) -> io::Result<OwnedFd> {
    let flags = flags | libc::O_CLOEXEC.cast_unsigned() | libc::AT_EMPTY_PATH.cast_unsigned();
    // SAFETY: `path` is NUL-terminated and outlives the call; the result is a new descriptor.
    let fd = check(unsafe { libc::syscall(libc::SYS_open_tree, dir.as_raw_fd(), path.as_ptr(), flags) })?;
    Ok(adopt(to_fd(fd)))
}

/// move_mount(2) of the detached mount `mount` onto `path`; symlinks in the last component are not followed.
pub(crate) fn move_mount(mount: BorrowedFd<'_>, dir: BorrowedFd<'_>, path: &CStr) -> io::Result<()> {
    const F_EMPTY_PATH: c_uint = 4;
    const T_EMPTY_PATH: c_uint = 0x40;
    let flags = F_EMPTY_PATH | if path.is_empty() { T_EMPTY_PATH } else { 0 };
    let (from, to) = (mount.as_raw_fd(), dir.as_raw_fd());
    // SAFETY: both paths are NUL-terminated and outlive the call.
    check(unsafe { libc::syscall(libc::SYS_move_mount, from, c"".as_ptr(), to, path.as_ptr(), flags) })
        .map(drop)
}

pub(crate) const ATTR_RDONLY: u64 = 0x1;
pub(crate) const ATTR_NOSUID: u64 = 0x2;
pub(crate) const ATTR_NODEV: u64 = 0x4;
pub(crate) const ATTR_NOEXEC: u64 = 0x8;

/// mount_setattr(2): sets attributes on a detached mount and all below it, before anyone can reach it by path.
pub(crate) fn set_mount_attributes(mount: BorrowedFd<'_>, set: u64) -> io::Result<()> {
    let attributes = libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH.cast_unsigned() | AT_RECURSIVE;
    // SAFETY: `attributes` is initialised, outlives the call, and its true size is passed.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    check(result).map(drop)
}

/// fsopen(2), fsconfig(2) for each option, fsmount(2): a detached mount of a new filesystem.
pub(crate) fn new_filesystem(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    attributes: u64,
) -> io::Result<OwnedFd> {
    mount_new(kind, options, &[], attributes)
}

/// The same for overlayfs with the mark `userxattr`.
pub(crate) fn new_overlay(options: &[(&CStr, &CStr)], attributes: u64) -> io::Result<OwnedFd> {
    mount_new(c"overlay", options, &[c"userxattr"], attributes)
}

fn mount_new(
    kind: &CStr,
    options: &[(&CStr, &CStr)],
    flags: &[&CStr],
    attributes: u64,
) -> io::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: c_uint = 1;
    const FSMOUNT_CLOEXEC: c_uint = 1;
    const CREATE: c_uint = 6;
    // SAFETY: `kind` is NUL-terminated and outlives the call; the result is a new descriptor.
    let context =
        adopt(to_fd(check(unsafe { libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC) })?));
    flags.iter().try_for_each(|flag| set_flag(&context, flag))?;
    configure(&context, options, CREATE)?;
    let fd = context.as_raw_fd();
    // SAFETY: no pointers; the result is a new descriptor.
    let mount = check(unsafe { libc::syscall(libc::SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes) })?;
    Ok(adopt(to_fd(mount)))
}

/// fspick(2) and fsconfig(2): changes options of the filesystem mounted at `path`.
pub(crate) fn reconfigure(path: &CStr, options: &[(&CStr, &CStr)]) -> io::Result<()> {
    const FSPICK_CLOEXEC: c_uint = 1;
    const RECONFIGURE: c_uint = 7;
    // SAFETY: `path` is NUL-terminated and outlives the call; the result is a new descriptor.
    let context =
        check(unsafe { libc::syscall(libc::SYS_fspick, libc::AT_FDCWD, path.as_ptr(), FSPICK_CLOEXEC) })?;
    configure(&adopt(to_fd(context)), options, RECONFIGURE)
}

/// fsconfig(2) `FSCONFIG_SET_FLAG`.
fn set_flag(context: &OwnedFd, flag: &CStr) -> io::Result<()> {
    const SET_FLAG: c_uint = 0;
    let (fd, none) = (context.as_raw_fd(), std::ptr::null::<libc::c_char>());
    // SAFETY: `flag` is NUL-terminated and outlives the call; a flag takes no value.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, fd, SET_FLAG, flag.as_ptr(), none, 0) }).map(drop)
}

fn configure(context: &OwnedFd, options: &[(&CStr, &CStr)], command: c_uint) -> io::Result<()> {
    const SET_STRING: c_uint = 1;
    let fd = context.as_raw_fd();
    for (key, value) in options {
        let (key, value) = (key.as_ptr(), value.as_ptr());
        // SAFETY: key and value are NUL-terminated and outlive the call.
        check(unsafe { libc::syscall(libc::SYS_fsconfig, fd, SET_STRING, key, value, 0) })?;
    }
    let none = std::ptr::null::<libc::c_char>();
    // SAFETY: the two commands passed here take no key and no value.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, fd, command, none, none, 0) }).map(drop)
}

/// clock_gettime(2): seconds and nanoseconds.
pub(crate) fn clock(id: libc::clockid_t) -> io::Result<(i64, i64)> {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec that outlives the call.
    check(c_long::from(unsafe { libc::clock_gettime(id, &raw mut now) }))?;
    Ok((now.tv_sec, now.tv_nsec))
}

/// A child that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reaped {
    pub(crate) pid: i32,
    /// As wait(2) gives it.
    pub(crate) status: i32,
}

/// wait4(2) for any child; `None` when there is none to report (`block` false) or none at all.
pub(crate) fn reap(block: bool) -> Option<Reaped> {
    let mut status = 0;
    let flags = if block { 0 } else { libc::WNOHANG };
    loop {
        // SAFETY: `status` outlives the call; a null rusage is allowed.
        match unsafe { libc::wait4(-1, &raw mut status, flags | libc::__WALL, std::ptr::null_mut()) } {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => (),
            -1 | 0 => return None,
            pid => return Some(Reaped { pid, status }),
        }
    }
}

/// Brings the loopback interface of this network namespace up (netdevice(7)).
pub(crate) fn loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    /// IFF_UP and IFF_RUNNING of netdevice(7), in the field's own type.
    const UP_AND_RUNNING: libc::c_short = 0x1 | 0x40;
    // glibc and musl declare requests in different types.
    const SET_FLAGS: libc::Ioctl = libc::SIOCSIFFLAGS as libc::Ioctl;
    // SAFETY: ifreq is a plain C struct for which all zeroes is a value.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = UP_AND_RUNNING;
    // SAFETY: SIOCSIFFLAGS reads an ifreq, and `request` is one that outlives the call.
    check(c_long::from(unsafe { libc::ioctl(socket.as_raw_fd(), SET_FLAGS, &raw const request) })).map(drop)
}

/// keyctl(2) `KEYCTL_JOIN_SESSION_KEYRING` with no name: a new keyring that shares nothing with the caller's.
pub(crate) fn join_new_session_keyring() -> io::Result<()> {
    const JOIN_SESSION_KEYRING: c_int = 1;
    let name = std::ptr::null::<libc::c_char>();
    // SAFETY: a null name is documented to mean an anonymous keyring.
    check(unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, name) }).map(drop)
}

/// The kernel's landlock ABI (landlock_create_ruleset(2)), 0 where it has none.
pub(crate) fn landlock_abi() -> u32 {
    const VERSION: c_uint = 1;
    let none = std::ptr::null::<u8>();
    // SAFETY: with LANDLOCK_CREATE_RULESET_VERSION the pointer must be null and the size 0.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0usize, VERSION) };
    u32::try_from(abi).unwrap_or(0)
}

/// prctl(2) `PR_SET_SECUREBITS`.
pub(crate) fn set_securebits(bits: c_ulong) -> io::Result<()> {
    // SAFETY: PR_SET_SECUREBITS takes an integer.
    check(c_long::from(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, bits, 0, 0, 0) })).map(drop)
}

/// prctl(2) `PR_CAPBSET_DROP` by number, for capabilities newer than the caps crate knows.
pub(crate) fn drop_bounding(capability: c_ulong) -> io::Result<()> {
    // SAFETY: PR_CAPBSET_DROP takes an integer.
    check(c_long::from(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) })).map(drop)
}

/// Gives every signal its default action, since an ignored one stays ignored over clone and execve: Rust's runtime
/// ignores `SIGPIPE`, nohup(1) and a shell's `&` ignore others.
pub(crate) fn default_signals() {
    for number in 1..=libc::SIGRTMAX() {
        // SAFETY: SIG_DFL installs no handler; numbers that cannot be set are refused with an error.
        unsafe { libc::signal(number, libc::SIG_DFL) };
    }
}

fn check(result: c_long) -> io::Result<c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn to_fd(result: c_long) -> RawFd {
    RawFd::try_from(result).expect("the kernel's descriptors are ints")
}

/// A new terminal of the calling process's devpts: (outside, inside). The inside is opened through the outside's
/// descriptor (`TIOCGPTPEER`), never by a path that a job could have replaced.
pub(crate) fn new_terminal() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = nix::fcntl::OFlag::O_RDWR | nix::fcntl::OFlag::O_NOCTTY | nix::fcntl::OFlag::O_CLOEXEC;
    let outside = nix::fcntl::open(c"/dev/ptmx", flags, nix::sys::stat::Mode::empty())?;
    let unlocked: c_int = 0;
    // SAFETY: TIOCSPTLCK reads an int, and `unlocked` is one that outlives the call.
    check(c_long::from(unsafe { libc::ioctl(outside.as_raw_fd(), libc::TIOCSPTLCK, &raw const unlocked) }))?;
    // SAFETY: TIOCGPTPEER takes open flags by value and returns a new descriptor.
    let inside =
        check(c_long::from(unsafe { libc::ioctl(outside.as_raw_fd(), libc::TIOCGPTPEER, flags.bits()) }))?;
    Ok((outside, adopt(to_fd(inside))))
}

/// ioctl_tty(2) `TIOCSCTTY`: the caller is a session leader without a terminal.
pub(crate) fn make_controlling_terminal(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes an integer.
    check(c_long::from(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSCTTY, 0) })).map(drop)
}

/// ioctl_tty(2) `TIOCSWINSZ`.
pub fn set_terminal_size(terminal: BorrowedFd<'_>, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads a winsize, and `size` is one that outlives the call.
    check(c_long::from(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }))
        .map(drop)
}

/// ioctl_tty(2) `TIOCGWINSZ`: (rows, columns).
pub fn terminal_size(terminal: BorrowedFd<'_>) -> io::Result<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes a winsize, and `size` is one that outlives the call.
    check(c_long::from(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) }))?;
    Ok((size.ws_row, size.ws_col))
}

/// pidfd_send_signal(2) with `SIGKILL`: never another process that got the same number.
pub(crate) fn pidfd_kill(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    let none = std::ptr::null::<libc::siginfo_t>();
    let (fd, flags) = (pidfd.as_raw_fd(), 0 as c_uint);
    // SAFETY: a null siginfo is documented to mean one as kill(2) would make.
    check(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, libc::SIGKILL, none, flags) }).map(drop)
}
