//! One test for each limit. Each runs the same program twice, once held to the limit and once with the limit raised:
//! it fails when the limit is gone as well as when it always strikes.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, figure, load};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        wall,
        cpu_time,
        cpus,
        memory,
        memory_of_files,
        pids,
        output_killed,
        output_truncated,
        disk,
        number_of_files,
        open_files,
        file_size,
        stack
    ]
}

fn held(daemon: &Daemon, command: &[&str], limits: &Value) -> (Value, Value) {
    held_with(daemon, json!({"files": [load()], "command": command, "limits": limits}))
}

fn held_with(daemon: &Daemon, request: Value) -> (Value, Value) {
    let job = daemon.run(&request);
    let step = job["steps"][0].clone();
    assert_eq!(job["status"], step["status"], "a job stands as its deciding step: {job}");
    (step, request)
}

/// The same request with other limits succeeds.
fn raised(daemon: &Daemon, mut request: Value, limits: Value) -> Value {
    request["limits"] = limits;
    let job = daemon.run(&request);
    assert_eq!(job["status"], "succeeded", "with the limit raised: {job}");
    job["steps"][0].clone()
}

fn struck(step: &Value, status: &str, limit: &str, allowed: u64) {
    assert_eq!(step["status"], status, "{step}");
    let cause = &step["cause"];
    assert_eq!((&cause["kind"], &cause["limit"]), (&json!("limit"), &json!(limit)), "{step}");
    assert_eq!(cause["allowed"], allowed, "{step}");
    assert!(cause["observed"].is_u64() && cause["detail"].is_string(), "{step}");
}

fn wall(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (step, request) = held(&daemon, &["sleep", "3"], &json!({"wall_time_ms": 200}));
    struck(&step, "timed_out", "wall_time_ms", 200);
    assert_eq!((&step["signal"], &step["exit_code"]), (&json!("SIGKILL"), &Value::Null), "{step}");
    raised(&daemon, request, json!({"wall_time_ms": 20_000}));
}

fn cpu_time(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (step, request) = held(&daemon, &["./load", "spin", "3000"], &json!({"cpu_time_ms": 200}));
    struck(&step, "timed_out", "cpu_time_ms", 200);
    let used = step["usage"]["cpu_time_us"].as_u64().expect("counted");
    // An emulated processor does little between two looks at the clock.
    let most = support::patient(Duration::from_secs(1)).min(Duration::from_secs(2));
    assert!(used >= 200_000 && Duration::from_micros(used) < most, "{step}");
    figure(format!("{}: CPU limit of 200 ms ended at {used} us", who.name()));
    raised(&daemon, request, json!({"cpu_time_ms": 20_000}));
}

/// A tenth of a CPU makes 150 ms of work last about 1.5 s; on a busy machine a larger share might never be reached.
fn cpus(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (tenth, request) = held(&daemon, &["./load", "spin", "150"], &json!({"cpus": 0.1}));
    assert_eq!(tenth["status"], "succeeded", "{tenth}");
    let whole = raised(&daemon, request, json!({"cpus": 1.0}));
    let wall = |step: &Value| step["usage"]["wall_time_us"].as_u64().expect("measured");
    let throttled = |step: &Value| step["usage"]["throttled_us"].as_u64().expect("counted");
    let (slow, fast) = (wall(&tenth), wall(&whole));
    figure(format!("{}: 150 ms of work: {slow} us at 0.1 CPUs, {fast} us at 1.0", who.name()));
    assert!(slow > 1_000_000, "{tenth}");
    assert!(throttled(&tenth) > 500_000 && throttled(&whole) < throttled(&tenth) / 2, "{tenth}\n{whole}");
}

fn memory(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let limit = 32 << 20;
    let (step, request) = held(&daemon, &["./load", "touch", "64"], &json!({"memory_bytes": limit}));
    struck(&step, "memory_exceeded", "memory_bytes", limit);
    let peak = step["usage"]["memory_peak_bytes"].as_u64().expect("counted");
    assert!(peak <= limit && peak > limit / 2, "the limit is never exceeded: {step}");
    raised(&daemon, request, json!({"memory_bytes": 128 << 20}));
}

/// What a job writes to its disk is memory too.
fn memory_of_files(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let limit = 16 << 20;
    let command = ["./load", "write", "33554432", "/tmp/big"];
    let (step, request) = held(&daemon, &command, &json!({"memory_bytes": limit}));
    struck(&step, "memory_exceeded", "memory_bytes", limit);
    raised(&daemon, request, json!({"memory_bytes": 128 << 20}));
}

fn pids(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (step, request) = held(&daemon, &["./load", "forks", "20"], &json!({"pids": 10}));
    struck(&step, "failed", "pids", 10);
    assert_eq!(step["exit_code"], 3, "{step}");
    assert_eq!(step["stdout"]["text"], "fork refused after 9: Resource temporarily unavailable\n");
    assert!(step["usage"]["pids_peak"].as_u64().is_none_or(|peak| peak <= 10), "{step}");
    raised(&daemon, request, json!({"pids": 30}));
}

fn output_killed(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let request = json!({"files": [load()], "command": ["./load", "print", "4194304"], "on_output_limit": "kill",
        "limits": {"output_bytes": 4096}});
    let (step, request) = held_with(&daemon, request);
    struck(&step, "output_exceeded", "output_bytes", 4096);
    assert_eq!(step["signal"], "SIGKILL", "{step}");
    let all = raised(&daemon, request, json!({"output_bytes": 8 << 20}));
    assert_eq!(all["stdout"]["truncated"], false);
    assert_eq!(all["stdout"]["bytes"], 4_194_304 + 12);
}

fn output_truncated(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (step, request) = held(&daemon, &["./load", "print", "4194304"], &json!({"output_bytes": 4096}));
    assert_eq!(step["status"], "succeeded", "{step}");
    let output = &step["stdout"];
    assert_eq!((&output["truncated"], &output["bytes"]), (&json!(true), &json!(4_194_304 + 12)), "{output}");
    let text = output["text"].as_str().expect("text");
    assert!(
        text.starts_with("first\nxxx") && text.ends_with("xxx\nlast\n"),
        "head and tail are kept: {text}"
    );
    assert!(text.len() < 4096 + 64, "{}", text.len());
    let all = raised(&daemon, request, json!({"output_bytes": 8 << 20}));
    assert_eq!(all["stdout"]["truncated"], false);
    assert_eq!(all["stdout"]["text"].as_str().map(str::len), Some(4_194_304 + 12));
}

fn disk(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for path in ["/workspace/big", "/tmp/big", "/dev/shm/big"] {
        let command = ["./load", "write", "4194304", path];
        let (step, request) = held(&daemon, &command, &json!({"disk_bytes": 1 << 20}));
        struck(&step, "disk_exceeded", "disk_bytes", 1 << 20);
        assert_eq!(step["exit_code"], 3, "{step}");
        assert!(step["stdout"]["text"].as_str().is_some_and(|text| text.contains("No space left")), "{step}");
        raised(&daemon, request, json!({"disk_bytes": 16 << 20}));
    }
}

/// Inodes: one for every 4 KiB of disk, and at least 1024.
fn number_of_files(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let command = ["sh", "-ec", "i=0; while [ $i -lt 2000 ]; do : > f$i; i=$((i+1)); done"];
    let (step, request) = held(&daemon, &command, &json!({"disk_bytes": 1 << 20}));
    struck(&step, "disk_exceeded", "disk_bytes", 1 << 20);
    raised(&daemon, request, json!({"disk_bytes": 64 << 20}));
}

fn open_files(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (step, request) = held(&daemon, &["./load", "open", "64"], &json!({"open_files": 32}));
    assert_eq!((&step["status"], &step["exit_code"]), (&json!("failed"), &json!(3)), "{step}");
    assert_eq!(step["stdout"]["text"], "open refused after 29: Too many open files\n");
    raised(&daemon, request, json!({"open_files": 128}));
}

fn file_size(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let command = ["./load", "write", "2097152", "big"];
    let (step, request) = held(&daemon, &command, &json!({"file_bytes": 1 << 20}));
    struck(&step, "disk_exceeded", "file_bytes", 1 << 20);
    assert_eq!(step["signal"], "SIGXFSZ", "{step}");
    raised(&daemon, request, json!({"file_bytes": 4 << 20}));
}

fn stack(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (step, request) = held(&daemon, &["./load", "stack", "4194304"], &json!({"stack_bytes": 1 << 20}));
    assert_eq!((&step["status"], &step["signal"]), (&json!("signaled"), &json!("SIGSEGV")), "{step}");
    raised(&daemon, request, json!({"stack_bytes": 8 << 20}));
}
