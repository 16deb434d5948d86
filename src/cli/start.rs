//! From settings to a running launcher: the part that every verb running jobs has in common.

use std::fs;

use admission::{Admission, BundleError, Options};
use daemon::{Config, ConfigError, DelegateError};
use nix::unistd::{getegid, geteuid};
use sandbox::cgroup::{Delegation, FindOptions};
use sandbox::{Launcher, LauncherOptions, Profiles, StartError, Stores};

use crate::output::{Failure, chain};

/// Must be called while this process has one thread: it forks. Who stands in a cgroup that cannot be divided asks systemd
/// for one that can, and is moved there.
pub(crate) fn launcher(config: &Config, stores: Option<Stores>) -> Result<Launcher, Failure> {
    begin(&options(config, stores))
}

/// The same, for who outlives it.
pub(crate) fn kept_launcher(config: &Config, stores: Option<Stores>) -> Result<Launcher, Failure> {
    begin(&LauncherOptions { kept: true, ..options(config, stores) })
}

fn begin(options: &LauncherOptions) -> Result<Launcher, Failure> {
    let failed = |error: &StartError| Failure::new(chain(error)).hint(remedy(error));
    match Launcher::start(options) {
        Err(StartError::Cgroup(error)) if error.wants_delegation() => match daemon::ask_systemd() {
            Ok(()) => Launcher::start(options).map_err(|error| failed(&error)),
            Err(refusal) => {
                let error = StartError::Cgroup(error);
                let hint = format!("{} (systemd was asked for one: {})", remedy(&error), chain(&refusal));
                Err(Failure::new(chain(&error)).hint(hint))
            }
        },
        started => started.map_err(|error| failed(&error)),
    }
}

/// For work on images and volumes alone, without a cgroup. Must be called while this process has one thread: it forks.
pub(crate) fn tools(config: &Config, stores: Stores) -> Result<Launcher, Failure> {
    let options = LauncherOptions { tools_only: true, ..options(config, Some(stores)) };
    Launcher::start(&options).map_err(|error| Failure::new(chain(&error)).hint(remedy(&error)))
}

/// What [`launcher`] does about the cgroup, for the checks that look at it.
pub(crate) fn delegated_group() -> Result<(), DelegateError> {
    let owner = geteuid().is_root().then(|| (geteuid().as_raw(), getegid().as_raw()));
    match Delegation::find(&FindOptions { owner, allow_swap: true }) {
        Ok(mut found) => {
            found.release();
            Ok(())
        }
        Err(error) if error.wants_delegation() => daemon::ask_systemd(),
        Err(_) => Ok(()),
    }
}

/// Without `stores` there are no images and volumes.
pub(crate) fn options(config: &Config, stores: Option<Stores>) -> LauncherOptions {
    LauncherOptions {
        host_paths: config.host_paths.clone(),
        allow_degraded: config.allow_degraded.clone(),
        stores,
        tools_only: false,
        kept: false,
    }
}

pub(crate) fn remedy(error: &StartError) -> &'static str {
    match error {
        StartError::Cgroup(_) => {
            "delegate cgroups to this user (`stockade doctor --print-setup`), or run without memory, process and CPU \
             limits: `--allow-degraded cgroup`"
        }
        StartError::IdMaps(_) => {
            "`newuidmap` and `newgidmap` must be setuid root; `stockade doctor` looks at them"
        }
        StartError::Stores(_) => {
            "Stockade as root needs CAP_SYS_ADMIN (a container?): start it as an ordinary user"
        }
        StartError::Spawn(_) | StartError::Launcher { .. } | StartError::Ended => {
            "`stockade doctor` tells what this host is missing"
        }
    }
}

/// The policies of the settings, loaded; none where they name none. After [`launcher`]: it starts a thread.
pub(crate) fn admission(
    config: &Config,
    profiles: &Profiles,
    aside: fn(&mut dyn FnMut()),
) -> Result<Admission, Failure> {
    let options = Options {
        host: config.policy(profiles.names()),
        cache: config.policy_cache.clone(),
        record: config.admission_log.clone(),
        // Policies need CPU and nothing else, so more at one time would only make each of them late.
        places: 2 * std::thread::available_parallelism().map_or(2, usize::from),
        recalls: true,
        aside,
    };
    let admission = Admission::open(options).map_err(|error| Failure::new(chain(&error)))?;
    if let Some(bundle) = &config.policies {
        admission.load(bundle)?;
    }
    Ok(admission)
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        Self::new(error.to_string()).hint(error.remedy)
    }
}

/// The shipped profiles and those of the settings.
pub(crate) fn profiles(config: &Config) -> Result<Profiles, Failure> {
    let mut profiles = Profiles::builtin();
    for (name, path) in &config.seccomp_profiles {
        let refused = |error: &dyn std::error::Error| {
            Failure::caused(&format!("seccomp profile `{name}` ({})", path.display()), error)
        };
        let json = fs::read_to_string(path).map_err(|error| refused(&error))?;
        profiles.add(name, &json).map_err(|error| refused(&error))?;
    }
    Ok(profiles)
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::new(chain(&error));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
