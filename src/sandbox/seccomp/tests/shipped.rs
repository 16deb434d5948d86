//! The shipped profiles: what each call returns, and that every line in them counts.

use std::collections::BTreeSet;

use super::HOST;
use super::interpret::{Call, run};
use crate::seccomp::BUILTIN;
use crate::seccomp::Profiles;
use crate::seccomp::document::Document;
use crate::seccomp::rules::{Action, Rules};
use crate::seccomp::table::{Arch, known_somewhere};
use crate::seccomp::target::Target;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Allowed,
    Error(u32),
    Killed,
}
use Is::{Allowed, Killed};
const EPERM: Is = Is::Error(1);
const ENOSYS: Is = Is::Error(38);
const EAFNOSUPPORT: Is = Is::Error(97);

/// One action: in `strict`, `default` and `build`.
type Line<'a> = (&'a str, &'a [u64], [Is; 3]);

const EVERYWHERE: [Is; 3] = [Allowed; 3];
const NOWHERE: [Is; 3] = [EPERM; 3];
const NOT_STRICT: [Is; 3] = [EPERM, Allowed, Allowed];
const BUILD_ONLY: [Is; 3] = [EPERM, EPERM, Allowed];
const NO_PROTOCOL: [Is; 3] = [EPERM, Is::Error(93), Is::Error(93)];
const NO_SOCKET: [Is; 3] = [EPERM, EAFNOSUPPORT, EAFNOSUPPORT];

const HIGH: u64 = 1 << 32;

const CALLS: &[Line<'_>] = &[
    ("read", &[], EVERYWHERE),
    ("execve", &[], EVERYWHERE),
    ("mmap", &[], EVERYWHERE),
    ("futex", &[], EVERYWHERE),
    ("prctl", &[], EVERYWHERE),
    ("rseq", &[], EVERYWHERE),
    ("membarrier", &[], EVERYWHERE),
    // Threads of glibc, fork, vfork; then each namespace flag, and one in the half that the kernel ignores.
    ("clone", &[0x003D_0F00], EVERYWHERE),
    ("clone", &[0x0120_0011], EVERYWHERE),
    ("clone", &[0x4111], EVERYWHERE),
    ("clone", &[0x0002_0011], NOWHERE),
    ("clone", &[0x0200_0011], NOWHERE),
    ("clone", &[0x0400_0011], NOWHERE),
    ("clone", &[0x0800_0011], NOWHERE),
    ("clone", &[0x1000_0011], NOWHERE),
    ("clone", &[0x2000_0011], NOWHERE),
    ("clone", &[0x4000_0011], NOWHERE),
    ("clone", &[0x0000_0080], NOWHERE),
    ("clone", &[HIGH | 0x1000_0011], NOWHERE),
    ("clone3", &[], [ENOSYS; 3]),
    // One's own limits, and those of the sandbox's init.
    ("prlimit64", &[0], EVERYWHERE),
    ("prlimit64", &[0, 7, 1], EVERYWHERE),
    ("prlimit64", &[0, 4, 0], EVERYWHERE),
    ("prlimit64", &[0, 4, 1], NOWHERE),
    ("prlimit64", &[0, HIGH | 4, 1], NOWHERE),
    ("setrlimit", &[7], EVERYWHERE),
    ("setrlimit", &[4], NOWHERE),
    ("setrlimit", &[HIGH | 4], NOWHERE),
    ("prlimit64", &[1], NOWHERE),
    ("unshare", &[0x1000_0000], NOWHERE),
    ("setns", &[], NOWHERE),
    // TIOCSTI, TIOCLINUX, TIOCCONS and TCGETS.
    ("ioctl", &[0, 0x5412], NOWHERE),
    ("ioctl", &[0, 0x541C], NOWHERE),
    ("ioctl", &[0, 0x541D], NOWHERE),
    ("ioctl", &[0, HIGH | 0x5412], NOWHERE),
    ("ioctl", &[0, u64::MAX << 32 | 0x541C], NOWHERE),
    ("ioctl", &[0, 0x5401], EVERYWHERE),
    ("personality", &[0], EVERYWHERE),
    ("personality", &[0x20008], EVERYWHERE),
    ("personality", &[0xFFFF_FFFF], EVERYWHERE),
    ("personality", &[u64::MAX], EVERYWHERE),
    ("personality", &[0x0004_0000], NOWHERE),
    ("personality", &[0x0040_0000], NOWHERE),
    // AF_UNIX, AF_INET, AF_INET6, and AF_NETLINK with NETLINK_ROUTE and NETLINK_XFRM.
    ("socket", &[1, 1, 0], NOT_STRICT),
    ("socket", &[2, 1, 6], NOT_STRICT),
    ("socket", &[10, 2, 17], NOT_STRICT),
    ("socket", &[2, 2, 1], NOT_STRICT),
    // SCTP, L2TP, MPTCP.
    ("socket", &[2, 1, 132], NO_PROTOCOL),
    ("socket", &[10, 2, 115], NO_PROTOCOL),
    ("socket", &[2, 1, 262], NO_PROTOCOL),
    ("socket", &[16, 3, 0], NOT_STRICT),
    ("socket", &[16, 3, 6], NO_SOCKET),
    ("socket", &[16, 3, HIGH + 6], NO_SOCKET),
    // AF_KEY, AF_PACKET, AF_RXRPC, AF_ALG, AF_VSOCK; AF_ALG with a high bit.
    ("socket", &[15, 3, 2], NO_SOCKET),
    ("socket", &[17, 3, 0], NO_SOCKET),
    ("socket", &[33, 2, 2], NO_SOCKET),
    ("socket", &[38, 5, 0], NO_SOCKET),
    ("socket", &[HIGH + 38, 5, 0], NO_SOCKET),
    ("socket", &[40, 1, 0], NO_SOCKET),
    ("socketpair", &[1, 1, 0], EVERYWHERE),
    ("socketpair", &[2, 1, 0], NO_SOCKET),
    ("connect", &[], NOT_STRICT),
    // With an address, and without.
    ("sendto", &[3, 0, 0, 0, 0x7FFF_0000_0000], NOT_STRICT),
    ("sendto", &[3, 0, 0, 0, 0], EVERYWHERE),
    ("sendmsg", &[], NOT_STRICT),
    ("setuid", &[], NOT_STRICT),
    ("chown", &[], EVERYWHERE),
    ("mknod", &[], NOT_STRICT),
    ("shmget", &[], [ENOSYS, Allowed, Allowed]),
    ("inotify_init1", &[], [ENOSYS, Allowed, Allowed]),
    ("seccomp", &[], [ENOSYS, Allowed, Allowed]),
    ("ptrace", &[], BUILD_ONLY),
    ("process_vm_readv", &[], BUILD_ONLY),
    ("process_vm_writev", &[], BUILD_ONLY),
    ("mbind", &[], BUILD_ONLY),
    ("get_mempolicy", &[], BUILD_ONLY),
];

/// Refused by every profile, whatever the arguments: each has a CVE, or sets something that is not the job's.
const DANGEROUS: &str = "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register add_key \
    request_key keyctl mount umount2 pivot_root chroot open_tree open_tree_attr move_mount fsopen fsconfig fsmount \
    fspick mount_setattr unshare setns kexec_load kexec_file_load init_module finit_module delete_module \
    open_by_handle_at lookup_dcookie fanotify_init reboot swapon swapoff acct syslog quotactl quotactl_fd \
    settimeofday clock_settime iopl ioperm modify_ldt vhangup nfsservctl sethostname setdomainname kcmp pidfd_getfd \
    process_madvise move_pages migrate_pages lsm_set_self_attr memfd_secret";

fn answer(profiles: &Profiles, profile: &str, nr: u32, args: &[u64]) -> Is {
    let mut call = Call { nr, arch: Arch::NATIVE.audit(), args: [0; 6] };
    call.args[..args.len()].copy_from_slice(args);
    let program = &profiles.get(profile).expect("a shipped profile").program;
    match run(program.instructions(), &call) {
        libc::SECCOMP_RET_ALLOW => Allowed,
        libc::SECCOMP_RET_KILL_PROCESS => Killed,
        value => Is::Error(value ^ Action::errno(0).0),
    }
}

#[test]
fn calls_return_what_is_promised() {
    let profiles = Profiles::builtin();
    let numbers = Arch::NATIVE.numbers();
    for (name, args, expected) in CALLS {
        // aarch64 has no `chown`, only `fchownat`.
        let Some(&nr) = numbers.get(name) else { continue };
        for (profile, expected) in ["strict", "default", "build"].into_iter().zip(expected) {
            assert_eq!(answer(&profiles, profile, nr, args), *expected, "{name}{args:x?} in {profile}");
        }
    }
}

/// SOCK_CLOEXEC and SOCK_NONBLOCK.
const SOCKET_FLAGS: [u64; 5] = [0, 0o2_000_000, 0o4000, 0o2_004_000, HIGH];

#[test]
fn the_daemon_makes_sockets_for_tcp_and_udp_alone() {
    let mut profiles = Profiles::builtin();
    let json = include_str!("../../../../policies/seccomp/daemon.json");
    profiles.add("daemon", json).expect("the daemon's own profile");
    let nr = Arch::NATIVE.numbers()["socket"];
    let socket = |family, kind, protocol| answer(&profiles, "daemon", nr, &[family, kind, protocol]);
    for family in [2, 10] {
        for (kind, flags) in (0..16).flat_map(|kind| SOCKET_FLAGS.map(|flags| (kind, flags))) {
            // None; ICMP, TCP, UDP, DCCP, SCTP, UDP-Lite, MPTCP.
            for protocol in [0, 1, 6, 17, 33, 132, 136, 262] {
                let is_plain = matches!((kind, protocol), (1, 0 | 6) | (2, 0 | 17));
                let expected = if is_plain { Allowed } else { Is::Error(93) };
                assert_eq!(socket(family, kind | flags, protocol), expected, "{family} {kind} {protocol}");
            }
        }
        assert_eq!(socket(family, 0x10 | 1, 0), Is::Error(93), "a flag that there is not");
    }
    for kind in [1, 2, 5] {
        assert_eq!(socket(1, kind, 0), Allowed);
    }
    assert_eq!((socket(16, 3, 0), socket(16, 3, 6)), (Allowed, EAFNOSUPPORT));
    assert_eq!((socket(17, 3, 0), socket(38, 5, 0)), (EAFNOSUPPORT, EAFNOSUPPORT));
}

#[test]
fn dangerous_calls_are_refused_everywhere() {
    let profiles = Profiles::builtin();
    for name in DANGEROUS.split_whitespace() {
        assert!(known_somewhere(name), "{name}");
        let Some(&nr) = Arch::NATIVE.numbers().get(name) else { continue };
        for profile in profiles.names() {
            assert_eq!(answer(&profiles, &profile, nr, &[]), EPERM, "{name} in {profile}");
        }
    }
}

#[test]
fn numbers_of_the_future_and_of_x32() {
    let profiles = Profiles::builtin();
    for profile in profiles.names() {
        for nr in [472, 500, 600, 1024, 0x3FFF_FFFF, u32::MAX] {
            assert_eq!(answer(&profiles, &profile, nr, &[]), ENOSYS, "{nr} in {profile}");
        }
        if Arch::NATIVE == Arch::X86_64 {
            for nr in [0x4000_0000, 0x4000_0001, 0x4000_0208, 0xC000_0000] {
                assert_eq!(answer(&profiles, &profile, nr, &[]), Killed, "{nr:#x} in {profile}");
            }
        }
    }
}

/// In a shipped profile every rule is reachable, and none stands twice.
#[test]
fn no_line_is_idle() {
    for arch in Arch::ALL {
        for (profile, json) in BUILTIN {
            let rules = Rules::parse(json, Target { arch, ..HOST }).expect(profile);
            for (nr, rules_of_call) in &rules.calls {
                let (last, before) = rules_of_call.split_last().expect("one rule at least");
                let shadowing = before.iter().any(|rule| rule.conditions.is_empty());
                assert!(!shadowing, "{profile}: call {nr} of {arch:?} has rules that are never tried");
                let distinct: BTreeSet<_> = rules_of_call.iter().collect();
                assert_eq!(distinct.len(), rules_of_call.len(), "{profile}: call {nr} has a rule twice");
                assert!(
                    last.conditions.is_empty(),
                    "{profile}: call {nr} leaves some arguments to the default"
                );
            }
        }
    }
}

#[test]
fn names_are_calls_sorted_and_stand_once() {
    for (profile, json) in BUILTIN {
        let document: Document = serde_json::from_str(json).expect(profile);
        for rule in document.syscalls {
            let names = rule.names.expect("the shipped profiles use `names`");
            assert!(names.is_sorted_by(|a, b| a < b), "{profile}: {names:?}");
            for name in &names {
                let known = Arch::ALL.iter().any(|arch| arch.numbers().contains_key(name.as_str()));
                assert!(known, "{profile}: no call is named {name}");
            }
        }
    }
}

/// `build` is `default` and more; `default` is `strict` and more.
#[test]
fn profiles_grow() {
    let profiles = Profiles::builtin();
    for (smaller, larger) in [("strict", "default"), ("default", "build")] {
        for nr in 0..600 {
            if answer(&profiles, smaller, nr, &[0xFFFF_FFFF]) == Allowed {
                assert_eq!(
                    answer(&profiles, larger, nr, &[0xFFFF_FFFF]),
                    Allowed,
                    "{nr} in {larger}, not {smaller}"
                );
            }
        }
    }
}
