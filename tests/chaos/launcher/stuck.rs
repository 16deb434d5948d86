//! What a dead launcher left and nothing can end keeps its ids: no job of the next launcher has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::unistd::geteuid;
use serde_json::json;
use support::{
    Case, Daemon, Needs, Snapshot, Who, alive, cases, eventually, figure, running, same_again, status_of,
};

use super::{SETTINGS, kill_9};

pub(crate) fn cases() -> Vec<Case> {
    let root = Needs::Host(|| (!geteuid().is_root()).then_some("the suite was not started as root"));
    // On v2 what is frozen can be killed (cgroup.freeze); on v1 it cannot.
    let frozen = || (!Path::new(FREEZER).is_dir()).then_some("there is no freezer of cgroup v1");
    let who = [Who::Root, Who::UserWithSubuid];
    let case = |case: Case| case.only(&who).needs(root).needs(Needs::Host(frozen));
    cases![frozen_by_somebody_else].into_iter().map(case).collect()
}

const FREEZER: &str = "/sys/fs/cgroup/freezer";
const JOBS: usize = 6;
/// What the dead are given to go, and a start.
const SOON: Duration = Duration::from_secs(6);

/// A group that the launcher knows nothing of, thawed in the end.
struct Frozen(PathBuf);

impl Frozen {
    fn new(name: &str) -> Self {
        let folder = Path::new(FREEZER).join(name);
        fs::create_dir(&folder).expect("root may make a group");
        Self(folder)
    }

    fn put(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("root may write it");
    }

    fn is(&self, state: &str) -> Option<()> {
        fs::read_to_string(self.0.join("freezer.state")).is_ok_and(|now| now.trim() == state).then_some(())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = fs::write(self.0.join("freezer.state"), "THAWED");
        let start = Instant::now();
        while fs::remove_dir(&self.0).is_err() && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn user(pid: u32) -> String {
    let users = status_of(pid, "Uid").expect("a process that lives");
    users.split_whitespace().next().expect("an id").to_owned()
}

fn frozen_by_somebody_else(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let (cookie, next) = (format!("78{}", daemon.pid()), format!("79{}", daemon.pid()));
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    let sleep = |word: &str| json!({"command": ["sleep", word], "limits": {"wall_time_ms": 60_000}});
    let ids: Vec<String> = (0..JOBS).map(|_| daemon.submit(&sleep(&cookie))).collect();
    let programs = eventually(Duration::from_secs(10), "all of them run", || {
        Some(running(&cookie)).filter(|programs| programs.len() == JOBS)
    });
    let inits: Vec<u32> = programs
        .iter()
        .map(|program| status_of(*program, "PPid").and_then(|pid| pid.parse().ok()).expect("a parent"))
        .collect();
    let taken: Vec<String> = inits.iter().map(|init| user(*init)).collect();
    let frozen = Frozen::new(&format!("chaos-{}", daemon.pid()));
    for pid in &inits {
        frozen.put("cgroup.procs", &pid.to_string());
    }
    frozen.put("freezer.state", "FROZEN");
    eventually(Duration::from_secs(5), "they are frozen", || frozen.is("FROZEN"));
    let start = Instant::now();
    kill_9(daemon.launcher());
    let follower = daemon.submit(&sleep(&next));
    let program = running(&next)[0];
    figure(format!("{}: the next job ran {} ms after the kill", who.name(), start.elapsed().as_millis()));
    assert!(inits.iter().all(|init| alive(*init)), "nothing ends what is frozen");
    assert!(!taken.contains(&user(program)), "{} is one of {taken:?}", user(program));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    super::cancel(&daemon, &follower);
    drop(frozen);
    for id in ids {
        assert_eq!(daemon.ended(&id)["status"], "lost");
    }
    assert_eq!(daemon.ended(&follower)["status"], "cancelled");
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    assert_eq!(daemon.stop().code(), Some(0));
}
