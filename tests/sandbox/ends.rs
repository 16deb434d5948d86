//! How a program may end, and that nothing it does delays the answer.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Case, Daemon, Snapshot, Who, cases, eventually, figure, load, patient, running};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        not_found,
        not_executable,
        signals_have_names,
        exit_codes_are_kept,
        a_grandchild_that_holds_stdout,
        unread_stdin_and_a_flood,
        bytes_that_are_not_text,
        cancelled_while_running,
        cancelled_while_queued,
        stopped_by_itself,
    ]
}

fn not_found(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for program in ["no-such-program", "/usr/bin/no-such-program", "./missing", "/etc/hosts/x"] {
        let job = daemon.run(&json!({"command": [program]}));
        let step = &job["steps"][0];
        assert_eq!((&step["status"], &step["exit_code"]), (&json!("failed"), &json!(127)), "{job}");
        assert_eq!(step["cause"]["kind"], "exec", "{job}");
        assert!(step["cause"]["detail"].as_str().is_some_and(|text| text.contains(program)), "{job}");
    }
    let job = daemon.run(&json!({"command": ["no-such-program"]}));
    assert_eq!(job["steps"][0]["cause"]["errno"], "ENOENT", "{job}");
}

fn not_executable(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let files = json!([{"path": "plain", "text": "x"}, {"path": "odd", "text": "\u{1}", "mode": "0755"}]);
    for (program, errno) in [("./plain", "EACCES"), ("/usr", "EACCES"), ("./odd", "ENOEXEC")] {
        let job = daemon.run(&json!({"files": files, "command": [program]}));
        let step = &job["steps"][0];
        assert_eq!((&step["status"], &step["exit_code"]), (&json!("failed"), &json!(126)), "{job}");
        assert_eq!(
            (&step["cause"]["kind"], &step["cause"]["errno"]),
            (&json!("exec"), &json!(errno)),
            "{job}"
        );
    }
    let job = daemon.run(&json!({"command": ["true"], "workdir": "/no/such/folder"}));
    assert_eq!((&job["status"], &job["steps"][0]["exit_code"]), (&json!("failed"), &json!(126)), "{job}");
    assert!(job["cause"]["detail"].as_str().is_some_and(|text| text.contains("/no/such/folder")), "{job}");
}

fn signals_have_names(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let signals = [(11, "SIGSEGV"), (6, "SIGABRT"), (15, "SIGTERM"), (8, "SIGFPE"), (9, "SIGKILL")];
    for (number, name) in signals {
        let job = daemon.run(&json!({"files": [load()], "command": ["./load", "raise", number.to_string()]}));
        let step = &job["steps"][0];
        assert_eq!((&step["status"], &step["signal"]), (&json!("signaled"), &json!(name)), "{job}");
        assert_eq!((&step["exit_code"], &step["cause"]["kind"]), (&Value::Null, &json!("signal")), "{job}");
    }
}

fn exit_codes_are_kept(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for code in [0, 1, 3, 126, 127, 137, 255] {
        let job = daemon.run(&json!({"command": ["sh", "-c", format!("exit {code}")]}));
        let step = &job["steps"][0];
        assert_eq!(step["exit_code"], code, "{job}");
        assert_eq!(step["status"], if code == 0 { "succeeded" } else { "failed" }, "{job}");
    }
}

fn a_grandchild_that_holds_stdout(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("held-{}", daemon.pid());
    let before = Snapshot::idle(&daemon, &cookie);
    let start = Instant::now();
    let job = daemon.run(&json!({"files": [load()], "command": ["./load", "leave", cookie]}));
    let took = start.elapsed();
    assert_eq!(
        (&job["status"], &job["steps"][0]["stdout"]["text"]),
        (&json!("succeeded"), &json!("left\n")),
        "{job}"
    );
    figure(format!("{}: a grandchild holding stdout: answered in {} ms", who.name(), took.as_millis()));
    assert!(took < patient(Duration::from_secs(1)), "{took:?}");
    support::same_again(&before, || Snapshot::of(&daemon, &cookie));
}

fn unread_stdin_and_a_flood(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let start = Instant::now();
    let job = daemon.run(&json!({
        "command": ["sh", "-c", "head -c 20000000 /dev/zero; head -c 20000000 /dev/zero >&2; exit 7"],
        "stdin": {"text": "unread ".repeat(1_000_000)}, "limits": {"output_bytes": 1000},
    }));
    let step = &job["steps"][0];
    assert_eq!((&step["status"], &step["exit_code"]), (&json!("failed"), &json!(7)), "{step}");
    for stream in ["stdout", "stderr"] {
        assert_eq!((&step[stream]["bytes"], &step[stream]["truncated"]), (&json!(20_000_000), &json!(true)));
    }
    assert!(start.elapsed() < patient(Duration::from_secs(10)), "{:?}", start.elapsed());
}

fn bytes_that_are_not_text(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = daemon.run(&json!({"command": ["cat"], "stdin": {"base64": "AP/+gAo="}}));
    let output = &job["steps"][0]["stdout"];
    assert_eq!(
        (&output["encoding"], &output["text"], &output["bytes"]),
        (&json!("base64"), &json!("AP/+gAo="), &json!(5))
    );
}

fn cancelled_while_running(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("98{}", daemon.pid());
    let before = Snapshot::idle(&daemon, &cookie);
    let id = daemon.submit(&json!({"steps": [{"command": ["sleep", cookie]}, {"command": ["true"]}]}));
    running(&cookie);
    assert_eq!(daemon.job(&id)["status"], "running");
    let start = Instant::now();
    let answer = daemon.client().request("POST", &format!("/jobs/{id}/cancel"), &[], b"");
    assert_eq!(answer.status, 202, "{}", answer.text());
    let job = daemon.ended(&id);
    figure(format!("{}: cancelled within {} ms", who.name(), start.elapsed().as_millis()));
    assert!(start.elapsed() < patient(Duration::from_secs(2)), "{:?}", start.elapsed());
    assert_eq!((&job["status"], &job["cause"]["kind"]), (&json!("cancelled"), &json!("cancelled")), "{job}");
    assert_eq!(job["steps"][1]["status"], "skipped", "{job}");
    support::same_again(&before, || Snapshot::of(&daemon, &cookie));
}

fn cancelled_while_queued(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1");
    let cookie = format!("97{}", daemon.pid());
    let first = daemon.submit(&json!({"command": ["sleep", cookie]}));
    running(&cookie);
    let second = daemon.submit(&json!({"command": ["true"]}));
    assert_eq!(daemon.job(&second)["status"], "queued");
    for id in [&second, &first] {
        assert_eq!(daemon.cancel(id)["status"], "cancelled");
    }
    // The place is free again.
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["status"], "succeeded");
}

/// A program that stops itself is still held to its wall time.
fn stopped_by_itself(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let request = json!({"command": ["sh", "-c", "kill -STOP $$"], "limits": {"wall_time_ms": 200}});
    let job = daemon.run(&request);
    assert_eq!(job["status"], "timed_out", "{job}");
    eventually(Duration::from_secs(2), "the next job runs", || {
        (daemon.run(&json!({"command": ["true"]}))["status"] == "succeeded").then_some(())
    });
}
