//! The process that works on trees and archives which a job, or an image from elsewhere, could have shaped.
//!
//! Cloned from the launcher, so it is there at once and its ids are right; then it gives up all that it does not need. A
//! mistake in a parser finds no network, no path, no other process, and of the host's files those in the directories handed
//! to it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use caps::{CapSet, Capability, CapsHashSet};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, Ruleset, RulesetAttr, RulesetCreatedAttr,
    Scope,
};
use nix::sched::CloneFlags;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{chdir, chroot};

use super::NEWEST_LANDLOCK;
use crate::init::{close_all_but, mounts};
use crate::seccomp::{Profiles, Program};
use crate::sys::{self, Cloned};
use crate::tool::{Tool, ToolCall};

/// What writing a tree with other owners takes; no more than that (capabilities(7)).
const KEPT: [Capability; 5] = [
    Capability::CAP_CHOWN,
    Capability::CAP_DAC_OVERRIDE,
    Capability::CAP_DAC_READ_SEARCH,
    Capability::CAP_FOWNER,
    Capability::CAP_FSETID,
];
/// zstd's largest window, and room to work.
const MOST_MEMORY: u64 = 1 << 30;
const MOST_FILES: u64 = 1024;
const SYSTEM_CALLS: &str = include_str!("../../../policies/seccomp/tool.json");

/// What is made once and serves every such process.
#[derive(Debug)]
pub(super) struct Toolbox {
    run: Tool,
    filter: Program,
}

impl Toolbox {
    pub(super) fn new(run: Tool) -> io::Result<Self> {
        let mut profiles = Profiles::builtin();
        profiles.add("tool", SYSTEM_CALLS).map_err(io::Error::other)?;
        let filter = profiles.get("tool").ok_or(io::ErrorKind::NotFound)?.program.clone();
        Ok(Self { run, filter })
    }

    /// Its pidfd; readable when it has ended.
    pub(super) fn start(&self, call: ToolCall) -> io::Result<OwnedFd> {
        let namespaces = CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC;
        match sys::clone_process(namespaces.bits(), None)? {
            Cloned::Parent { pidfd, .. } => Ok(pidfd),
            Cloned::Child => {
                let work = AssertUnwindSafe(|| self.confine(&call).map(|()| (self.run)(call)));
                // The socket's end tells whoever waits.
                sys::exit_now(i32::from(!matches!(catch_unwind(work), Ok(Ok(())))))
            }
        }
    }

    /// What it keeps is what `call` names.
    fn confine(&self, call: &ToolCall) -> io::Result<()> {
        nix::sys::prctl::set_name(c"stockade-tool")?;
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
        let null = mounts::open_path(c"/host/dev/null")?;
        nix::unistd::dup2_stdin(&null)?;
        nix::unistd::dup2_stdout(&null)?;
        nix::unistd::dup2_stderr(&null)?;
        // Below, by number: nothing may close it twice.
        drop(null);
        let kept = std::iter::once(&call.socket).chain(&call.fds).map(AsRawFd::as_raw_fd);
        close_all_but([0, 1, 2].into_iter().chain(kept).collect())?;
        mounts::make_private()?;
        chroot("/empty")?;
        chdir("/")?;
        for (resource, most) in [
            (Resource::RLIMIT_AS, MOST_MEMORY),
            (Resource::RLIMIT_NOFILE, MOST_FILES),
            // Not 0, for which a `|` core_pattern is run all the same (core(5)).
            (Resource::RLIMIT_CORE, 1),
        ] {
            setrlimit(resource, most, most)?;
        }
        keep_capabilities()?;
        nix::sys::prctl::set_no_new_privs()?;
        confine_to(&call.fds)?;
        // Last: what is above needs more calls than the work itself.
        self.filter.load().map_err(io::Error::other)
    }
}

fn keep_capabilities() -> io::Result<()> {
    let kept: CapsHashSet = KEPT.into_iter().collect();
    for set in [CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, &kept).map_err(io::Error::other)?;
    }
    caps::clear(None, CapSet::Inheritable).map_err(io::Error::other)
}

/// landlock(7): nothing but the directories that it was handed, by descriptor. Without landlock there is still no path to
/// anything.
fn confine_to(fds: &[OwnedFd]) -> io::Result<()> {
    let number = sys::landlock_abi().min(NEWEST_LANDLOCK);
    if number == 0 {
        return Ok(());
    }
    let abi = ABI::from(i32::try_from(number).unwrap_or(i32::MAX));
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))
        .map_err(io::Error::other)?;
    if number >= 6 {
        ruleset = ruleset.scope(Scope::from_all(abi)).map_err(io::Error::other)?;
    }
    let mut rules = ruleset.create().map_err(io::Error::other)?;
    for fd in fds {
        let kind = SFlag::from_bits_truncate(fstat(fd)?.st_mode & SFlag::S_IFMT.bits());
        if kind == SFlag::S_IFDIR {
            let all = PathBeneath::new(fd.as_fd(), AccessFs::from_all(abi));
            rules = rules.add_rule(all).map_err(io::Error::other)?;
        }
    }
    rules.restrict_self().map_err(io::Error::other)?;
    Ok(())
}
