//! `stockade doctor`: what this host has, what it lacks, and the remedy. Its last check is a real sandbox; the others
//! explain why that one fails. Nothing is read but `/proc`, `/sys`, `/etc` and what settings name: no tools are needed.

mod cgroup;
mod ids;
mod images;
mod kernel;
mod proof;
mod report;

use std::fs;
use std::process::ExitCode;

use daemon::Config;
use nix::unistd::{Uid, User};
use sandbox::cgroup::print_setup;

use crate::args::DoctorArgs;
use crate::output::{self, Failure};
use crate::{exit, start};
use report::{Check, Status};

pub(crate) fn doctor(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    if args.print_setup {
        output::data(&print_setup(Uid::effective().as_raw(), &user_name()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let config = Config::load(args.host.config.as_deref(), &args.host.settings())?;
    let mut checks = read_checks();
    let filtered = kernel::filtered(&text("/proc/self/status"));
    // As every start does; the check of the cgroups then tells what came of it.
    let _ = start::delegated_group();
    checks.extend(cgroup::checks(&config.allow_degraded));
    checks.extend(images::checks(&config));
    checks.extend(proof::checks(&config, start::profiles(&config)?, filtered));
    if args.json {
        output::json(&checks)?;
    } else {
        output::data(&report::table(&checks))?;
    }
    let failed = checks.iter().any(|check| check.status == Status::Fail);
    Ok(if failed { ExitCode::from(exit::FAILED) } else { ExitCode::SUCCESS })
}

/// The checks that only read.
fn read_checks() -> Vec<Check> {
    let uid = Uid::effective();
    let user = user_name();
    let status = text("/proc/self/status");
    vec![
        kernel::version(),
        kernel::user_namespaces(uid.is_root(), &|path| fs::read_to_string(path).ok()),
        kernel::chroot(&text("/proc/self/mountinfo")),
        kernel::proc_mount(&text("/proc/self/mountinfo")),
        kernel::seccomp(&text("/proc/sys/kernel/seccomp/actions_avail")),
        ids::no_new_privs(&status, uid.is_root()),
        ids::id_map(uid.as_raw(), &user, &text("/etc/subuid"), &text("/etc/subgid")),
        kernel::overlay(&text("/proc/filesystems")),
        kernel::clock(&text("/sys/devices/system/clocksource/clocksource0/current_clocksource")),
    ]
}

/// Absent and empty are the same to every check.
fn text(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn user_name() -> String {
    let uid = Uid::effective();
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}
