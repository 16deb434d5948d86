//! Limits of one case.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, load};

use super::{statuses, tested};

pub(super) fn cases() -> Vec<Case> {
    cases![disk_is_what_the_case_writes, memory_and_output_are_each_cases_own, are_no_more_than_the_steps]
}

fn disk_is_what_the_case_writes(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let write = |bytes: u64, path: &str| json!({"args": ["write", bytes.to_string(), path]});
    let job = daemon.run(&json!({
        "files": [load()],
        "limits": {"disk_bytes": 12 << 20, "memory_bytes": 128 << 20},
        "steps": [
            {"name": "build", "command": ["./load", "write", (8 << 20).to_string(), "/workspace/base"]},
            {"name": "test", "command": ["./load"], "cases": [
                write(8 << 20, "/workspace/own"), write(13 << 20, "/workspace/own"), write(13 << 20, "/tmp/own"),
                write(8 << 20, "/tmp/own")]},
        ]
    }));
    let step = tested(&job);
    assert_eq!(statuses(step), ["succeeded", "disk_exceeded", "disk_exceeded", "succeeded"], "{job}");
    let used = step["cases"][0]["usage"]["disk_bytes"].as_u64().expect("counted");
    assert!((8 << 20..9 << 20).contains(&used), "the base is not in it: {job}");
}

fn memory_and_output_are_each_cases_own(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = daemon.run(&json!({
        "files": [load()], "limits": {"memory_bytes": 40 << 20, "output_bytes": 1000},
        "steps": [{"name": "test", "command": ["sh", "-c", "./load touch 24 > /dev/null && yes | head -c 900"],
            "cases": [{}, {}, {}], "parallel": 3}]
    }));
    let step = tested(&job);
    assert_eq!(statuses(step), ["succeeded"; 3], "{job}");
    let peak = step["usage"]["memory_peak_bytes"].as_u64().expect("counted");
    assert!((24 << 20..40 << 20).contains(&peak), "the largest, not the sum: {job}");
    assert!(
        step["cases"].as_array().is_some_and(|all| all.iter().all(|c| c["stdout"]["truncated"] == false))
    );
}

fn are_no_more_than_the_steps(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let request = |limits: Value| {
        json!({"steps": [{"name": "test", "command": ["sh", "-c", "ulimit -n"], "limits": {"open_files": 50},
            "cases": [{"limits": limits}, {}]}]})
    };
    let answer = daemon.client().post("/jobs?wait=true", &request(json!({"open_files": 51})));
    assert_eq!(answer.status, 422, "{}", answer.text());
    let job = daemon.run(&request(json!({"open_files": 40})));
    assert_eq!(super::outputs(tested(&job)), ["40\n", "50\n"], "{job}");
}
