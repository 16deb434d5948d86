//! A launcher without room for another descriptor says so; nothing is told as lost.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use nix::unistd::geteuid;
use serde_json::json;
use support::{Case, Daemon, Needs, Snapshot, Who, cases, descriptors, eventually, status_of};

use super::{SETTINGS, ended};

pub(crate) fn cases() -> Vec<Case> {
    // The launcher's own user may not look at its descriptors.
    let root = Needs::Host(|| (!geteuid().is_root()).then_some("the suite was not started as root"));
    let case = |case: Case| case.needs(Needs::Program("prlimit")).needs(root);
    cases![out_of_descriptors].into_iter().map(case).collect()
}

const JOBS: usize = 4;

fn out_of_descriptors(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    Snapshot::idle(&daemon, &format!("77{}", daemon.pid()));
    let launcher = daemon.launcher();
    let before = descriptors(launcher).len();
    let request = |size| json!({"command": ["true", "x".repeat(size)], "retry": {"max_attempts": 2}});
    let usual = limited(launcher, lowest_free(launcher));
    // The second one's plan is too large for a packet, and comes in a descriptor of its own.
    for size in [1, 100_000] {
        let ids: Vec<String> = (0..JOBS).map(|_| daemon.submit(&request(size))).collect();
        for job in ended(&daemon, &ids) {
            let cause = &job["cause"];
            assert_eq!((&cause["kind"], &cause["errno"]), (&json!("sandbox"), &json!("EMFILE")), "{job}");
            assert_eq!((&job["status"], &job["attempt"]), (&json!("internal_error"), &json!(1)), "{job}");
        }
    }
    limited(launcher, usual);
    assert_eq!(daemon.run(&request(1))["status"], "succeeded");
    assert_eq!(daemon.launcher(), launcher);
    eventually(Duration::from_secs(5), "the launcher holds what it held", || {
        (descriptors(launcher).len() == before).then_some(())
    });
    assert_eq!(daemon.stop().code(), Some(0));
}

/// All below are taken.
fn lowest_free(pid: u32) -> u64 {
    let all = fs::read_dir(format!("/proc/{pid}/fd")).expect("root may look");
    let taken: BTreeSet<u64> =
        all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    (0..u64::MAX).find(|number| !taken.contains(number)).expect("some number is free")
}

/// The soft limit on open files that it had.
fn limited(pid: u32, most: u64) -> u64 {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).expect("a process that lives");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a limit");
    let before = line.split_whitespace().next().and_then(|soft| soft.parse().ok()).expect("a number");
    // As whoever it is: that takes no capability (prlimit(2)).
    let own = |which| status_of(pid, which).and_then(|ids| ids.split_whitespace().next()?.parse().ok());
    let (uid, gid) = own("Uid").zip(own("Gid")).expect("a process that lives");
    let mut command = Command::new("prlimit");
    command.uid(uid).gid(gid).args(["--pid", &pid.to_string(), &format!("--nofile={most}:")]);
    assert!(command.status().expect("prlimit (Debian: util-linux)").success());
    before
}
