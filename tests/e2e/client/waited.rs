use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use support::{Daemon, Temp, Who, figure};

use super::{ask, ask_fed, begun, done, id, url};

pub(super) fn output_and_exit_code_are_the_jobs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let bytes = r"printf 'out\n\377\000'; printf 'err' >&2; exit 3";
    let ran = ask(&daemon, &["submit", "--wait", "--", "sh", "-c", bytes]);
    assert_eq!((ran.code, &*ran.stdout, &*ran.stderr), (3, &b"out\n\xff\0"[..], "err"), "{ran:?}");
    let expected: [(&[&str], i32, &str); 6] = [
        (&["true"], 0, ""),
        (&["/etc/hostname-that-is-not"], 127, "stockade: "),
        (&["/tmp"], 126, "stockade: "),
        (&["sh", "-c", "kill -TERM $$"], 143, ""),
        (&["--wall", "100ms", "--", "sleep", "60"], 137, "stockade: killed: "),
        (&["-m", "16m", "--", "sh", "-c", "x=a; while :; do x=$x$x; done"], 137, "stockade: killed: "),
    ];
    for (words, code, note) in expected {
        let ran = ask(&daemon, &[&["submit", "--wait"], words].concat());
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.stderr.starts_with(note) && ran.stdout.is_empty(), "{words:?}: {ran:?}");
        assert_eq!(note.is_empty(), ran.stderr.is_empty(), "{words:?}: {ran:?}");
    }
    let started = Instant::now();
    assert_eq!(ask(&daemon, &["submit", "--wait", "true"]).code, 0);
    figure(format!(
        "{}: submit --wait true took {:.1} ms",
        who.name(),
        started.elapsed().as_secs_f64() * 1e3
    ));
}

pub(super) fn output_comes_while_the_job_runs_and_an_interrupt_leaves_it(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let words = ["submit", "--wait", "--wall", "60s", "--", "sh", "-c", "echo first; exec sleep 50"];
    let started = Instant::now();
    let mut child = begun(who, &url(&daemon), &words);
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("output");
    assert_eq!(line, "first\n");
    assert!(started.elapsed() < Duration::from_secs(30), "it came with the end");
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("an own child");
    let mut words = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut words).expect("text");
    assert_eq!(child.wait().expect("an own child").code(), Some(130), "{words}");
    let running: Value =
        serde_json::from_str(&done(&daemon, &["ps", "--status", "running", "--json"])).expect("JSON");
    let left = id(&running[0]);
    assert!(words.contains(&format!("job {left} goes on; `stockade cancel {left}` ends it")), "{words}");
    assert_eq!(done(&daemon, &["cancel", left]), format!("{left}\n"));
    assert_eq!(daemon.ended(left)["status"], "cancelled");
}

fn with_cases() -> Value {
    let case = |name: &str, expected: &str| json!({"name": name, "stdin": {"text": "21\n"}, "expect": {"stdout": expected}});
    json!({"steps": [
        {"name": "build", "command": ["sh", "-c", "echo 'read x; echo $((x * 2))' > double"]},
        {"name": "test", "command": ["sh", "double"], "cases": [case("good", "42\n"), case("bad", "43\n"), case("also", "42\n")]},
    ]})
}

pub(super) fn cases_that_do_not_succeed_are_named(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let ran =
        ask_fed(who, &url(&daemon), &["submit", "--wait", "-f", "-"], with_cases().to_string().as_bytes());
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("stockade: case bad: wrong_output: "), "{ran:?}");
    assert!(
        !ran.stderr.contains("good") && !ran.stderr.contains('\r'),
        "no progress line in a pipe: {ran:?}"
    );
    let jobs: Value = serde_json::from_str(&done(&daemon, &["ps", "--json"])).expect("JSON");
    let summary = done(&daemon, &["inspect", id(&jobs[0])]);
    assert!(summary.contains("2 of 3 succeeded") && summary.contains("test/bad"), "{summary}");
}

pub(super) fn json_is_the_whole_job(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let ran =
        ask(&daemon, &["submit", "--wait", "--json", "--label", "a=b", "--", "sh", "-c", "echo out; exit 4"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (4, ""), "{ran:?}");
    let job = ran.json();
    assert_eq!((&job["status"], &job["labels"]), (&json!("failed"), &json!({"a": "b"})), "{job}");
    assert_eq!(job["steps"][0]["stdout"]["text"], "out\n", "{job}");
    let shown: Value = serde_json::from_str(&done(&daemon, &["inspect", "--json", id(&job)])).expect("JSON");
    assert_eq!(shown, job);
    let taken: Value =
        serde_json::from_str(&done(&daemon, &["submit", "--json", "sleep", "30"])).expect("JSON");
    assert!(taken["status"] == "queued" || taken["status"] == "running", "{taken}");
}

pub(super) fn a_job_comes_from_a_file_or_stdin(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let temp = Temp::new();
    let file =
        temp.file("job.json", json!({"command": ["cat"], "stdin": {"text": "from the file"}}).to_string());
    let file = file.to_str().expect("a temporary path is text");
    assert_eq!(done(&daemon, &["submit", "--wait", "-f", file]), "from the file");
    let fed = ask_fed(who, &url(&daemon), &["submit", "--wait", "-i", "cat"], b"\xfftyped");
    assert_eq!((fed.code, &*fed.stdout), (0, &b"\xfftyped"[..]), "{fed:?}");
    let unfed = ask_fed(who, &url(&daemon), &["submit", "--wait", "cat"], b"typed");
    assert_eq!((unfed.code, &*unfed.stdout), (0, &b""[..]), "nobody said -i: {unfed:?}");
    let sent = done(
        &daemon,
        &["submit", "--wait", "--file", &format!("{file}:in/a.json"), "--", "cat", "in/a.json"],
    );
    assert!(sent.contains("from the file"), "{sent}");
}
