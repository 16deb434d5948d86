//! Whether this process may limit its jobs: found by making the groups, as every start does, and removing them again.

use std::collections::BTreeSet;

use nix::unistd::{getegid, geteuid};
use sandbox::cgroup::{Delegation, FindOptions, Swap};

use super::report::Check;

const NAME: &str = "cgroup";
/// What every job is held to.
const NEEDED: [&str; 3] = ["memory", "pids", "cpu"];
const REMEDY: &str = "start Stockade under systemd with `Delegate=yes`, or run the commands that `stockade doctor \
                      --print-setup` prints as root";

/// Cgroup and swap. Must be called while this process has one thread: on version 2 it moves and comes back.
pub(crate) fn checks(allowed: &BTreeSet<String>) -> Vec<Check> {
    let owner = geteuid().is_root().then(|| (geteuid().as_raw(), getegid().as_raw()));
    match Delegation::find(&FindOptions { owner, allow_swap: true }) {
        Ok(mut found) => {
            let checks = vec![
                controllers(found.version(), &found.controllers(), allowed),
                swap(found.swap).or_caution(allowed.contains("cgroup.swap")),
            ];
            // What cannot be removed now is swept by the next start.
            found.release();
            checks
        }
        Err(error) => {
            vec![Check::fail(NAME, error.to_string(), REMEDY).or_caution(allowed.contains("cgroup"))]
        }
    }
}

fn controllers(version: &str, found: &[String], allowed: &BTreeSet<String>) -> Check {
    let missing: Vec<_> = NEEDED.into_iter().filter(|need| !found.iter().any(|has| has == need)).collect();
    if missing.is_empty() {
        return Check::pass(NAME, format!("{version}: {} can be limited", NEEDED.join(", ")));
    }
    let all_allowed = missing.iter().all(|name| allowed.contains(&format!("cgroup.{name}")));
    let detail = format!("{version}: {} cannot be limited", missing.join(", "));
    Check::fail(NAME, detail, REMEDY).or_caution(all_allowed)
}

fn swap(swap: Swap) -> Check {
    match swap {
        Swap::Limited => Check::pass("swap", "accounted, so off for jobs"),
        Swap::Absent => Check::pass("swap", "this host has none"),
        Swap::Unlimited | Swap::Allowed => Check::fail(
            "swap",
            "not accounted: a job could use swap beyond its memory limit",
            "boot with `swapaccount=1`, or `swapoff -a`, or allow it: `--allow-degraded cgroup.swap`",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let full = ["memory", "pids", "cpu", "swap"].map(String::from);
        let none = BTreeSet::new();
        assert_eq!(controllers("v2", &full, &none).status, Status::Pass);
        let check = controllers("v1", &full[..1], &none);
        assert_eq!((check.status, check.detail.as_str()), (Status::Fail, "v1: pids, cpu cannot be limited"));
    }

    #[test]
    fn what_is_allowed_to_be_missing_is_a_caution_when_all_of_it_is() {
        let allowed = ["cgroup.pids"].map(String::from).into();
        let found = ["memory", "cpu"].map(String::from);
        assert_eq!(controllers("v1", &found, &allowed).status, Status::Caution);
        assert_eq!(controllers("v1", &found[..1], &allowed).status, Status::Fail);
    }

    #[test]
    fn swap_that_is_not_counted_fails() {
        assert_eq!((swap(Swap::Absent).status, swap(Swap::Unlimited).status), (Status::Pass, Status::Fail));
    }
}
