//! The proof: a real sandbox, started the way every job is.

use std::sync::Arc;

use admission::{About, Admission, Options, Verdict};
use daemon::{Config, NoLandlock};
use model::{JobId, JobRequest, Receipt};
use nix::errno::Errno;
use sandbox::{HostCaps, Launcher, Profiles, Sources, StartError};
use supervise::{Io, NoLanes, NoWatch, Outcome, Supervisor};
use tokio::runtime;
use tokio::sync::mpsc;

use super::report::{Check, Status};
use crate::output::chain;
use crate::{exit, start};

const NAME: &str = "sandbox";

/// What the launcher found, and `true` run in a sandbox. Forks: this process must have one thread.
/// `filtered`: a seccomp filter is on this process already.
pub(crate) fn checks(config: &Config, profiles: Profiles, filtered: bool) -> Vec<Check> {
    let launcher = match Launcher::start(&start::options(config, None)) {
        Ok(launcher) => launcher,
        Err(error) => return vec![Check::fail(NAME, chain(&error), remedy(&error, filtered))],
    };
    let landlock = landlock(launcher.host()).or_caution(config.allow_degraded.contains("landlock"));
    let overlay = overlay(launcher.host());
    let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return vec![landlock, overlay, Check::fail(NAME, chain(&error), "none known")],
    };
    let sandbox = runtime.block_on(sandbox(config, launcher, profiles));
    let refused = filtered && sandbox.status == Status::Fail;
    vec![
        landlock,
        overlay,
        if refused { Check { remedy: Some(FILTERED.into()), ..sandbox } } else { sandbox },
    ]
}

/// For what a sandbox is made of (unshare, clone3, mount, …), where a filter from outside is in the way.
const FILTERED: &str = "mend the checks above; if all pass, the seccomp filter that is on this process refuses what sandboxes \
                        are made of: start the container with `--security-opt seccomp=unconfined` (jobs have a filter of \
                        their own), or without whatever else put it there";

/// unshare(2), clone(2), ENOSPC: the number of user.max_user_namespaces here, or in a namespace around this one, is used up.
const NO_MORE: &str = "no more namespaces: raise `user.max_user_namespaces` (or of its like the one for mnt, net, pid, ipc, uts or \
                       cgroup) with sysctl(8), on the host if this is a container";
/// As [`Errno`] writes it.
const NO_MORE_ERRNO: &str = "ENOSPC";

fn remedy(error: &StartError, filtered: bool) -> &'static str {
    const USED_UP: i32 = Errno::ENOSPC as i32;
    match error {
        StartError::Cgroup(_) | StartError::IdMaps(_) | StartError::Stores(_) => start::remedy(error),
        StartError::Launcher { errno: USED_UP, .. } => NO_MORE,
        StartError::Launcher { .. } if filtered => FILTERED,
        // It sends the reader here.
        StartError::Spawn(_) | StartError::Launcher { .. } | StartError::Ended => "mend the checks above",
    }
}

fn landlock(host: &HostCaps) -> Check {
    match host.landlock_abi {
        // Renames from one folder to another (LANDLOCK_ACCESS_FS_REFER) came with 2.
        Some(1) => {
            Check::caution("landlock", "ABI 1: enough for jobs, not for `serve` itself", NoLandlock::REMEDY)
        }
        Some(abi) => Check::pass("landlock", format!("ABI {abi}")),
        None => Check::fail("landlock", "off in this kernel", NoLandlock::REMEDY),
    }
}

fn overlay(host: &HostCaps) -> Check {
    if host.overlay {
        return Check::pass("overlay", "in user namespaces");
    }
    let remedy = "use a kernel from 5.11 on with CONFIG_OVERLAY_FS; jobs with `cases` are refused until then";
    Check::caution("overlay", "this kernel does not let an ordinary user mount one", remedy)
}

async fn sandbox(config: &Config, launcher: Launcher, profiles: Profiles) -> Check {
    let policy = config.policy(profiles.names());
    let request = JobRequest { command: Some(vec!["true".into()]), ..JobRequest::default() };
    let spec = match request.check(&policy) {
        Ok(spec) => spec,
        Err(errors) => return Check::fail(NAME, format!("{errors:?}"), "mend the settings"),
    };
    let supervisor = match Supervisor::new(launcher, profiles) {
        Ok(supervisor) => supervisor,
        Err(error) => return Check::fail(NAME, chain(&error), "none known"),
    };
    // What policies make of a job is no property of the host.
    let options =
        Options { host: policy, cache: None, record: None, places: 1, recalls: false, aside: |work| work() };
    let admitted = match Admission::open(options).map(|all| all.admit(spec, About::local(JobId::new()))) {
        Ok(Verdict::Admitted(admitted)) => admitted,
        Ok(Verdict::Denied(denial)) => return Check::fail(NAME, denial.reason, "none known"),
        Err(error) => return Check::fail(NAME, chain(&error), "none known"),
    };
    let plan = match supervisor.plan(admitted.spec(), &Sources::default()) {
        Ok(plan) => plan,
        Err(error) => return Check::fail(NAME, format!("{}: {}", error.layer, error.detail), error.remedy),
    };
    // Nobody orders anything, and a dropped sender changes nothing.
    let (_, orders) = mpsc::channel(1);
    let (watch, lanes) = (Arc::new(NoWatch), Arc::new(NoLanes));
    let launched = supervisor.launch(Arc::new(admitted), plan, Io::Capture, orders, watch, lanes).await;
    verdict(&launched.run().await)
}

fn verdict(outcome: &Outcome) -> Check {
    match (exit::code(outcome), &outcome.isolation) {
        (0, Some(receipt)) if receipt.degraded.is_empty() => Check::pass(NAME, summary(receipt, outcome)),
        (0, Some(receipt)) => {
            let detail = format!("{}; without {}", summary(receipt, outcome), receipt.degraded.join(", "));
            Check::caution(NAME, detail, "mend the checks above and drop `--allow-degraded`")
        }
        _ => {
            let cause = outcome.cause.as_ref();
            let errno = cause.and_then(|cause| cause.errno.as_deref()).map(|errno| format!(" ({errno})"));
            let detail = cause.map_or("no cause was recorded", |cause| cause.detail.as_str());
            let remedy = match cause.and_then(|cause| cause.errno.as_deref()) {
                Some(NO_MORE_ERRNO) => NO_MORE,
                _ => "mend the checks above",
            };
            Check::fail(NAME, format!("{detail}{}", errno.unwrap_or_default()), remedy)
        }
    }
}

fn summary(receipt: &Receipt, outcome: &Outcome) -> String {
    let profiles: Vec<_> = receipt.seccomp.iter().map(|seccomp| seccomp.profile.as_str()).collect();
    let landlock = receipt.landlock_abi.map_or("off".into(), |abi| abi.to_string());
    let setup = outcome.timing.setup_us;
    format!(
        "`true` ran, set up in {}.{} ms: {} namespaces, host uid {}, seccomp {}, landlock {landlock}, cgroup {} ({})",
        setup / 1000,
        setup % 1000 / 100,
        receipt.namespaces.len(),
        receipt.id_map.host_uid,
        profiles.join(", "),
        receipt.cgroup.version,
        receipt.cgroup.controllers.join(", "),
    )
}
