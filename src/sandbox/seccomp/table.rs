//! Names and numbers of system calls.
//!
//! Numbers rather than libc's `SYS_*` constants: both architectures are known in every build, so a profile is checked
//! for both wherever the tests run, and the newest calls do not wait for libc.

use std::collections::BTreeMap;

mod aarch64;
mod elsewhere;
mod since_5_1;
mod x86_64;

/// A first number, and the names of the calls that follow each other from there.
type Row = (u32, &'static str);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arch {
    X86_64,
    Aarch64,
}

impl Arch {
    #[cfg(target_arch = "x86_64")]
    pub(super) const NATIVE: Self = Self::X86_64;
    #[cfg(target_arch = "aarch64")]
    pub(super) const NATIVE: Self = Self::Aarch64;

    pub(super) const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// `AUDIT_ARCH_*` of linux/audit.h: the ELF machine with the bits for 64-bit and little-endian.
    pub(super) const fn audit(self) -> u32 {
        match self {
            Self::X86_64 => 0xC000_003E,
            Self::Aarch64 => 0xC000_00B7,
        }
    }

    /// As `includes.arches` of a Docker profile spells it: the words of Go.
    pub(super) const fn docker_name(self) -> &'static str {
        match self {
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// Numbers with this bit are the x32 ABI: other entry points into the same kernel, past every rule by number
    /// (seccomp(2), Caveats).
    pub(super) const fn x32_bit(self) -> Option<u32> {
        match self {
            Self::X86_64 => Some(0x4000_0000),
            Self::Aarch64 => None,
        }
    }

    fn rows(self) -> impl Iterator<Item = &'static Row> {
        let own = match self {
            Self::X86_64 => x86_64::ROWS,
            Self::Aarch64 => aarch64::ROWS,
        };
        own.iter().chain(since_5_1::ROWS)
    }

    pub(super) fn numbers(self) -> BTreeMap<&'static str, u32> {
        self.rows().flat_map(|&(first, names)| names.split(' ').zip(first..)).collect()
    }
}

/// Whether any architecture of Linux has a call of this name: when none has, it may be a typo.
pub(super) fn known_somewhere(name: &str) -> bool {
    let ours = Arch::ALL.iter().flat_map(|arch| arch.rows()).map(|&(_, names)| names);
    ours.chain([elsewhere::NAMES]).any(|names| names.split(' ').any(|known| known == name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_do_not_overlap() {
        for arch in Arch::ALL {
            let calls = arch.rows().map(|(_, names)| names.split(' ').count()).sum::<usize>();
            let numbers = arch.numbers();
            assert_eq!(numbers.len(), calls, "a name is in {arch:?} twice");
            assert_eq!(
                numbers.values().collect::<BTreeSet<_>>().len(),
                calls,
                "a number is in {arch:?} twice"
            );
        }
    }

    /// One name of almost every row: a name too many or too few in a row shifts the ones behind it.
    #[test]
    fn numbers_are_those_of_libc() {
        macro_rules! check {
            ($($name:ident $constant:ident),* $(,)?) => {{
                let numbers = Arch::NATIVE.numbers();
                $(assert_eq!(
                    numbers.get(stringify!($name)).map(|&nr| i64::from(nr)),
                    Some(libc::$constant),
                    stringify!($name)
                );)*
            }};
        }
        check! {
            lseek SYS_lseek, readv SYS_readv, mremap SYS_mremap, getitimer SYS_getitimer, bind SYS_bind, execve SYS_execve,
            msgsnd SYS_msgsnd, getcwd SYS_getcwd, sysinfo SYS_sysinfo, setpgid SYS_setpgid, setresgid SYS_setresgid,
            capset SYS_capset, fstatfs SYS_fstatfs, sched_setscheduler SYS_sched_setscheduler, mlock SYS_mlock,
            adjtimex SYS_adjtimex, reboot SYS_reboot, delete_module SYS_delete_module, nfsservctl SYS_nfsservctl,
            setxattr SYS_setxattr, removexattr SYS_removexattr, lookup_dcookie SYS_lookup_dcookie,
            timer_getoverrun SYS_timer_getoverrun, exit_group SYS_exit_group, mbind SYS_mbind, request_key SYS_request_key,
            migrate_pages SYS_migrate_pages, symlinkat SYS_symlinkat, splice SYS_splice, timerfd_create SYS_timerfd_create,
            pipe2 SYS_pipe2, fanotify_init SYS_fanotify_init, sendmmsg SYS_sendmmsg, sched_getattr SYS_sched_getattr,
            membarrier SYS_membarrier, statx SYS_statx, rseq SYS_rseq, pidfd_send_signal SYS_pidfd_send_signal,
            clone3 SYS_clone3, process_madvise SYS_process_madvise, landlock_add_rule SYS_landlock_add_rule,
            set_mempolicy_home_node SYS_set_mempolicy_home_node, mseal SYS_mseal,
        }
        #[cfg(target_arch = "x86_64")]
        check! {
            poll SYS_poll, symlink SYS_symlink, utime SYS_utime, ustat SYS_ustat, arch_prctl SYS_arch_prctl, ioperm SYS_ioperm,
            epoll_wait SYS_epoll_wait, futimesat SYS_futimesat, eventfd SYS_eventfd, fork SYS_fork,
        }
    }
}
