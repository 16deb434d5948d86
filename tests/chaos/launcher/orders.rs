//! A job that is to end anyway when its launcher dies has ended as asked.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, running, status_of};

use super::{SETTINGS, cancel, kill_9, signal};

pub(crate) fn cases() -> Vec<Case> {
    cases![cancelled_before_the_launcher_dies]
}

fn cancelled_before_the_launcher_dies(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let cookie = format!("75{}", daemon.pid());
    let judged = json!([{"name": "judge", "command": ["sleep", cookie], "cases": [{}, {}]}]);
    for what in [json!({"command": ["sleep", cookie]}), json!({"steps": judged})] {
        let job = what_cancelled_becomes(&daemon, what, &cookie);
        assert_eq!((&job["status"], &job["attempt"]), (&json!("cancelled"), &json!(1)), "{job}");
        let step = &job["steps"][0];
        assert_eq!(
            (&step["status"], &step["cause"]["kind"]),
            (&json!("cancelled"), &json!("cancelled")),
            "{job}"
        );
    }
    assert_eq!(daemon.stop().code(), Some(0));
}

/// Its init is held, so that the end which was asked for is not there when the launcher dies.
fn what_cancelled_becomes(daemon: &Daemon, mut what: Value, cookie: &str) -> Value {
    what["retry"] = json!({"max_attempts": 3});
    let id = daemon.submit(&what);
    let init =
        status_of(running(cookie)[0], "PPid").and_then(|pid| pid.parse().ok()).expect("it has a parent");
    signal(init, Signal::SIGSTOP);
    cancel(daemon, &id);
    // Nothing tells that the order was passed on to a sandbox which does not answer.
    sleep(Duration::from_millis(200));
    kill_9(daemon.launcher());
    daemon.ended(&id)
}
