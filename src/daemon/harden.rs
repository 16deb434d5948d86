//! The daemon's own walls: whoever takes over the process that speaks HTTP has no more of the host than it needs.
//!
//! In two halves, because the kernel restricts threads. [`confine`] runs while there is one, so all that are started later
//! inherit it: landlock(7), capabilities, `no_new_privs`. [`filter`] runs once root is given up, and reaches all threads there
//! are: seccomp(2), the umask, no core dumps and nobody who may look into this process.
//!
//! **Invariant:** the launcher is started before either; it and the sandboxes have walls of their own.

mod paths;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use anyhow::Context;
use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use sandbox::{Launcher, Profile};

use crate::listen::Address;
use crate::{Config, state};
use paths::Paths;

const SYSTEM_CALLS: &str = include_str!("../../policies/seccomp/daemon.json");
/// The newest whose rights on files are known here; what the kernel has less of is left out.
const FILES: ABI = ABI::V5;
const SCOPES: ABI = ABI::V6;

/// The name of the layer in `allow_degraded`.
const LANDLOCK: &str = "landlock";

/// What [`confine`] came to.
#[derive(Debug)]
#[must_use = "a wall that is missing is to be told"]
pub struct Walls {
    /// Why there is no landlock, if so.
    missing: Option<NoLandlock>,
}

#[derive(Debug, thiserror::Error)]
#[error("this process cannot be held to its own files by landlock: {0}")]
pub struct NoLandlock(String);

impl NoLandlock {
    pub const REMEDY: &str = "boot a kernel from 5.19 on with CONFIG_SECURITY_LANDLOCK=y and `landlock` in its `lsm=` list, \
                              or start with `--allow-degraded=landlock`";
}

impl Walls {
    /// Once there is a log.
    pub(crate) fn tell(&self) {
        if let Some(missing) = &self.missing {
            tracing::warn!("{missing}; `allow_degraded` lets it go without");
        }
    }
}

/// For good, and for every thread that is started from now on. What the policies, the certificate and the tokens are read
/// from stays readable, so that a reload finds them.
pub fn confine(config: &Config, state_dir: Option<&Path>, launcher: &Launcher) -> anyhow::Result<Walls> {
    let (groups, way_home) = launcher.touched();
    confine_to(config, &Paths { groups, way_home, ..Paths::of(config, state_dir) })
}

fn confine_to(config: &Config, paths: &Paths) -> anyhow::Result<Walls> {
    paths::refuse_root(config)?;
    drop_capabilities(config).context("cannot give up capabilities")?;
    make_folders(config);
    let missing = match landlocked(paths) {
        Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced) => None,
        Ok(RulesetStatus::NotEnforced) => {
            Some(NoLandlock("this kernel has none, or it is not in the list of `lsm=`".into()))
        }
        Err(error) => Some(NoLandlock(error.to_string())),
    };
    set_no_new_privs().context("cannot give up setuid programs")?;
    match missing {
        Some(missing) if !config.allow_degraded.contains(LANDLOCK) => Err(missing.into()),
        missing => Ok(Walls { missing }),
    }
}

/// A rule needs a folder that is there. Whoever uses one that could not be made tells why.
fn make_folders(config: &Config) {
    for folder in config.listen.iter().filter_map(Address::path).filter_map(Path::parent) {
        if !folder.exists() {
            state::make_folder(folder, 0o755).ok();
        }
    }
    if let Some(cache) = &config.policy_cache {
        DirBuilder::new().recursive(true).mode(0o700).create(cache).ok();
    }
}

fn landlocked(paths: &Paths) -> Result<RulesetStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let log = read | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::MakeReg | AccessFs::RemoveFile;
    let own = AccessFs::from_all(FILES)
        & !(AccessFs::Execute
            | AccessFs::MakeChar
            | AccessFs::MakeBlock
            | AccessFs::MakeSym
            | AccessFs::IoctlDev);
    let rules = Ruleset::default()
        // Without it (ABI 1) no file could be renamed from one folder to another, as the store of images does.
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(FILES))?
        .scope(Scope::from_all(SCOPES) & !Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(&paths.programs, read | AccessFs::Execute))?
        .add_rules(path_beneath_rules(&paths.read, read))?
        .add_rules(path_beneath_rules(&paths.files, AccessFs::ReadFile))?
        .add_rules(path_beneath_rules(&paths.devices, AccessFs::ReadFile | AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(&paths.sockets, AccessFs::MakeSock | AccessFs::RemoveFile))?
        .add_rules(path_beneath_rules(&paths.logs, log))?
        .add_rules(path_beneath_rules(&paths.groups, AccessFs::RemoveDir))?
        .add_rules(path_beneath_rules(&paths.way_home, AccessFs::WriteFile))?
        .add_rules(path_beneath_rules(&paths.own, own))?;
    Ok(rules.restrict_self()?.ruleset)
}

/// Root's go with root, in [`crate::shed`]: they may be needed to read policies. Others may have been given some, of which
/// one has a use: to listen below port 1024.
fn drop_capabilities(config: &Config) -> Result<(), CapsError> {
    caps::clear(None, CapSet::Ambient)
        .or_else(|error| if geteuid().is_root() { Err(error) } else { Ok(()) })?;
    if geteuid().is_root() {
        return caps::clear(None, CapSet::Inheritable);
    }
    let low = |address: &Address| matches!(address, Address::Tcp(at) if (1..1024).contains(&at.port()));
    let low = config.listen.iter().chain(&config.telemetry.address()).any(low);
    let useful: CapsHashSet = low.then_some(Capability::CAP_NET_BIND_SERVICE).into_iter().collect();
    let kept = caps::read(None, CapSet::Permitted)?.intersection(&useful).copied().collect();
    caps::set(None, CapSet::Effective, &kept)?;
    caps::set(None, CapSet::Permitted, &kept)?;
    caps::clear(None, CapSet::Inheritable)
}

/// Once all that is listened on is bound, and before there is a second thread: capset(2) is for the calling one alone, so
/// one that policies run in would keep what it was started with.
pub(crate) fn bound() -> Result<(), CapsError> {
    if geteuid().is_root() {
        return Ok(());
    }
    caps::clear(None, CapSet::Effective)?;
    caps::clear(None, CapSet::Permitted)
}

/// For good, and for all threads. After root was given up, and all that is listened on was bound.
pub(crate) fn filter() -> anyhow::Result<()> {
    for set in [CapSet::Effective, CapSet::Permitted, CapSet::Inheritable] {
        caps::clear(None, set).context("cannot give up capabilities")?;
    }
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
    setrlimit(Resource::RLIMIT_CORE, 0, 0).context("cannot switch core dumps off")?;
    // ptrace(2), /proc/PID/mem: this memory holds tokens. After the last change of ids, which would set it anew.
    set_dumpable(false).context("cannot become undumpable")?;
    let profile = Profile::compile("daemon", SYSTEM_CALLS).context("the daemon's own seccomp profile")?;
    profile.program.load_everywhere().context("cannot filter system calls")
}

#[cfg(test)]
mod tests;
