//! A launcher that stands still holds nobody who wants to go.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use support::{Case, Daemon, Snapshot, Who, cases, figure, patient, same_again};

use super::{cancel, ended, signal};

pub(crate) fn cases() -> Vec<Case> {
    cases![cancelled_while_it_stands_still]
}

const SETTINGS: &str = "max_running = 24\nmemory_bytes = 17179869184\ncpu_overcommit = 64.0\nlog = \"warn\"";
const JOBS: usize = 20;
/// Far more plans of this size than a socket holds (net.core.wmem_default, 208 KiB).
const LARGE: usize = 20_000;
/// What a sandbox is given to answer, and some time for the others.
const BOUND: Duration = Duration::from_secs(20);

fn cancelled_while_it_stands_still(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let cookie = format!("76{}", daemon.pid());
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    let launcher = daemon.launcher();
    signal(launcher, Signal::SIGSTOP);
    let large = json!({"command": ["sleep", cookie, "x".repeat(LARGE)], "retry": {"max_attempts": 2}});
    let unwanted: Vec<String> = (0..JOBS).map(|_| daemon.submit(&large)).collect();
    let patient_one = daemon.submit(&json!({"command": ["echo", "at last"]}));
    let start = Instant::now();
    for id in &unwanted {
        cancel(&daemon, id);
    }
    for job in ended(&daemon, &unwanted) {
        assert_eq!((&job["status"], &job["attempt"]), (&json!("cancelled"), &json!(1)), "{job}");
    }
    figure(format!("{}: {JOBS} jobs cancelled in {} ms", who.name(), start.elapsed().as_millis()));
    assert!(start.elapsed() < patient(BOUND), "{:?}", start.elapsed());
    signal(launcher, Signal::SIGCONT);
    let job = daemon.ended(&patient_one);
    assert_eq!(job["steps"][0]["stdout"]["text"], "at last\n", "{job}");
    assert_eq!(daemon.launcher(), launcher);
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    assert_eq!(daemon.stop().code(), Some(0));
}
