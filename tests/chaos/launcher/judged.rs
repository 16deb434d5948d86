//! The launcher dies while cases are judged: the job is lost as a whole, and judged again from its beginning where it may.

use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Case, Daemon, Snapshot, Who, cases, eventually, running, same_again, sleeping};

use super::{SETTINGS, kill_9, signal};

pub(crate) fn cases() -> Vec<Case> {
    cases![killed_under_cases, killed_between_cases]
}

const CASES: usize = 4;

/// Each case sleeps, and a checker that lets all through looks at it.
fn request(cookie: &str, parallel: u32, max_attempts: u32) -> Value {
    let case = json!({"expect": {"stdout": "", "checker": {"command": ["true"]}}});
    json!({"steps": [{"name": "build", "command": ["touch", "built"]},
        {"name": "judge", "command": ["sleep", format!("1.5{cookie}")], "parallel": parallel,
         "cases": vec![case; CASES]}],
        "retry": {"max_attempts": max_attempts}})
}

fn is_lost(job: &Value) {
    assert_eq!((&job["status"], &job["cause"]["kind"]), (&json!("lost"), &json!("lost")), "{job}");
    assert_eq!((&job["steps"][1]["status"], &job["attempt"]), (&json!("lost"), &json!(1)), "{job}");
}

fn was_judged_again(job: &Value) {
    assert_eq!((&job["status"], &job["attempt"]), (&json!("succeeded"), &json!(2)), "{job}");
    let cases = job["steps"][1]["cases"].as_array().expect("cases");
    assert!(cases.len() == CASES && cases.iter().all(|case| case["status"] == "succeeded"), "{job}");
}

/// Several at once, in cases and in checkers.
fn killed_under_cases(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let cookie = format!("73{}", daemon.pid());
    daemon.run(&json!({"command": ["true"]}));
    let before = Snapshot::idle(&daemon, &cookie);
    for _ in 0..3 {
        let lost = daemon.submit(&request(&cookie, 2, 1));
        let again = daemon.submit(&request(&cookie, 2, 2));
        eventually(Duration::from_secs(10), "cases of both run", || {
            (sleeping(&format!("1.5{cookie}")).len() > 2).then_some(())
        });
        kill_9(daemon.launcher());
        is_lost(&daemon.ended(&lost));
        was_judged_again(&daemon.ended(&again));
    }
    same_again(&before, || Snapshot::of(&daemon, &cookie));
    assert_eq!(daemon.stop().code(), Some(0));
}

/// The next launcher finds a request for a case over a workspace that went with the one before.
fn killed_between_cases(who: Who) {
    for (max_attempts, judge) in [(1, is_lost as fn(&Value)), (2, was_judged_again)] {
        let daemon = Daemon::configured(who, SETTINGS);
        let cookie = format!("74{}", daemon.pid());
        let job = daemon.submit(&request(&cookie, 1, max_attempts));
        let launcher = daemon.launcher();
        running(&format!("1.5{cookie}"));
        signal(launcher, Signal::SIGSTOP);
        eventually(Duration::from_secs(20), "the program of the case ends", || {
            sleeping(&format!("1.5{cookie}")).is_empty().then_some(())
        });
        // Its checker is asked for, which takes a launcher; nothing tells when.
        std::thread::sleep(Duration::from_millis(100));
        kill_9(launcher);
        judge(&daemon.ended(&job));
        assert_eq!(daemon.stop().code(), Some(0));
    }
}
