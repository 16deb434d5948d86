//! What takes rights away from init, and so from every program that it starts.

use std::os::fd::{AsFd, OwnedFd};

use caps::CapSet;
use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, Scope,
};
use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::mounts;
use crate::plan::LandlockPlan;
use crate::step::{At, Step, StepError};
use crate::sys;

/// `SECBIT_NOROOT`, `SECBIT_NO_SETUID_FIXUP`, `SECBIT_KEEP_CAPS` off, `SECBIT_NO_CAP_AMBIENT_RAISE`, each with its lock
/// (capabilities(7)): user id 0 means nothing, now or later.
const SECUREBITS: u64 = 0b1110_1111;

/// user_namespaces(7): the count is per namespace and writable only with CAP_SYS_RESOURCE in it, which goes below.
pub(crate) fn forbid_user_namespaces(proc: &OwnedFd) -> Result<(), StepError> {
    let path = c"sys/user/max_user_namespaces";
    let sysctl = mounts::resolve(proc.as_fd(), path, OFlag::O_WRONLY).at(Step::UserNamespaces, 0)?;
    nix::unistd::write(&sysctl, b"0").at(Step::UserNamespaces, 1).map(drop)
}

pub(crate) fn set_hostname(name: &str) -> Result<(), StepError> {
    nix::unistd::sethostname(name).at(Step::Hostname, 0)
}

pub(crate) fn loopback_up() -> Result<(), StepError> {
    let any = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None);
    sys::loopback_up(any.at(Step::Loopback, 0)?.as_fd()).at(Step::Loopback, 1)
}

/// Bounding before the others: dropping from it takes CAP_SETPCAP.
pub(crate) fn drop_capabilities() -> Result<(), StepError> {
    let failed = |index| move |_| StepError::new(Step::Capabilities, index, &std::io::Error::last_os_error());
    caps::clear(None, CapSet::Ambient).map_err(failed(0))?;
    let newest_known = caps::Capability::CAP_CHECKPOINT_RESTORE.index();
    for capability in 0..64 {
        match sys::drop_bounding(capability) {
            Ok(()) => (),
            // Past the last one this kernel has; the kernel must have all that the caps crate can name.
            Err(_) if capability > u64::from(newest_known) => break,
            Err(error) => return Err(error).at(Step::Capabilities, 1),
        }
    }
    sys::set_securebits(SECUREBITS).at(Step::Capabilities, 2)?;
    caps::clear(None, CapSet::Inheritable).map_err(failed(3))?;
    caps::clear(None, CapSet::Effective).map_err(failed(4))?;
    caps::clear(None, CapSet::Permitted).map_err(failed(5))
}

pub(crate) fn no_new_privs() -> Result<(), StepError> {
    nix::sys::prctl::set_no_new_privs().at(Step::NoNewPrivs, 0)
}

/// landlock(7) as a second wall behind the mount namespace; the plan names an ABI that the kernel has, so every right
/// of it is a hard requirement.
pub(crate) fn landlock_rules(plan: Option<&LandlockPlan>) -> Result<Option<RulesetCreated>, StepError> {
    let Some(plan) = plan else { return Ok(None) };
    let failed = |_| StepError::new(Step::Landlock, 0, &std::io::Error::last_os_error());
    let abi = ABI::from(i32::try_from(plan.abi).unwrap_or(i32::MAX));
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(abi))
        .map_err(failed)?;
    if plan.abi >= 6 {
        ruleset = ruleset.scope(Scope::from_all(abi)).map_err(failed)?;
    }
    let mut rules = ruleset.create().map_err(failed)?;
    let read = AccessFs::from_read(abi) & !special(abi);
    let write_existing = (AccessFs::ReadFile
        | AccessFs::WriteFile
        | AccessFs::ReadDir
        | AccessFs::Truncate
        | AccessFs::IoctlDev)
        & AccessFs::from_all(abi);
    let full = AccessFs::from_all(abi) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
    for (paths, access) in
        [(&plan.read_execute, read), (&plan.read_write, write_existing), (&plan.full, full)]
    {
        for path in paths {
            let fd = PathFd::new(path)
                .map_err(|_| StepError::new(Step::Landlock, 1, &std::io::Error::last_os_error()))?;
            rules = rules.add_rule(PathBeneath::new(fd, access)).map_err(failed)?;
        }
    }
    Ok(Some(rules))
}

/// Rights that later ABIs count as reading and that a read-only tree does not need.
fn special(abi: ABI) -> BitFlags<AccessFs> {
    AccessFs::from_all(abi) & !(AccessFs::Execute | AccessFs::ReadFile | AccessFs::ReadDir)
}
