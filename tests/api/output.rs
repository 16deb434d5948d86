//! What a step printed, byte for byte.

use std::time::Duration;

use serde_json::json;
use support::{Case, Daemon, Who, cases, eventually};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![of_an_ended_job, truncated, while_it_runs]
}

fn of_an_ended_job(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let script = "printf '\\377\\000raw'; echo told >&2";
    let job = daemon.run(&json!({"steps": [{"name": "a", "command": ["sh", "-c", script]},
                                           {"name": "b", "command": ["false"]}, {"name": "c", "command": ["true"]}]}));
    let id = job["id"].as_str().expect("an id").to_owned();
    let stdout = client.get(&format!("/jobs/{id}/steps/a/stdout"));
    assert_eq!((stdout.status, stdout.body.as_slice()), (200, &b"\xff\0raw"[..]));
    for (name, value) in [
        ("content-type", "application/octet-stream"),
        ("x-content-type-options", "nosniff"),
        ("content-disposition", "attachment; filename*=UTF-8''a.stdout"),
        ("stockade-bytes-printed", "5"),
    ] {
        assert_eq!(stdout.header(name), Some(value), "{stdout:?}");
    }
    assert_eq!(stdout.header("stockade-truncated"), None);
    assert_eq!(client.get(&format!("/jobs/{id}/steps/a/stderr")).body, b"told\n");
    assert_eq!(client.get(&format!("/jobs/{id}/steps/b/stdout")).body, b"");
    let part = client.request("GET", &format!("/jobs/{id}/steps/a/stdout"), &[("range", "bytes=2-")], b"");
    assert_eq!((part.status, part.body.as_slice()), (206, &b"raw"[..]));
    let tag = stdout.header("etag").expect("a tag").to_owned();
    let known = client.request("GET", &format!("/jobs/{id}/steps/a/stdout"), &[("if-none-match", &tag)], b"");
    assert_eq!((known.status, known.body.len()), (304, 0));
    for path in ["steps/c/stdout", "steps/none/stdout", "steps/a/stdin"] {
        problem(&client.get(&format!("/jobs/{id}/{path}")), 404, "output_not_found");
    }
    let other = "01a1fbe5-6205-7141-b220-2903b61ded08";
    problem(&client.get(&format!("/jobs/{other}/steps/a/stdout")), 404, "job_not_found");
}

fn truncated(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = "head -c 100000 /dev/zero | tr '\\0' a; head -c 100000 /dev/zero | tr '\\0' z";
    let job = daemon.run(&json!({"command": ["sh", "-c", script], "limits": {"output_bytes": 4096}}));
    let id = job["id"].as_str().expect("an id");
    let answer = daemon.client().get(&format!("/jobs/{id}/steps/run/stdout"));
    assert_eq!(answer.header("stockade-bytes-printed"), Some("200000"), "{answer:?}");
    assert_eq!(answer.header("stockade-truncated"), Some("true"));
    let kept = answer.body;
    assert!(kept.len() <= 4096 && kept.starts_with(b"aaaa") && kept.ends_with(b"zzzz"), "{}", kept.len());
    assert!(kept.iter().all(|byte| b"az".contains(byte)), "no words of ours between head and tail");
}

fn while_it_runs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = "echo first; read line < go; echo second";
    let id = daemon.submit(&json!({"command": ["sh", "-c", &format!("mkfifo go; {script}")]}));
    let target = format!("/jobs/{id}/steps/run/stdout");
    let mut client = daemon.client();
    let seen = eventually(Duration::from_secs(20), "the first line is there", || {
        Some(client.get(&target)).filter(|answer| answer.status == 200 && !answer.body.is_empty())
    });
    assert_eq!(seen.body, b"first\n");
    let more = client.request("GET", &target, &[("range", "bytes=6-")], b"");
    problem(&more, 416, "range_not_satisfiable");
    assert_eq!(more.header("content-range"), Some("bytes */6"));
    assert_eq!(daemon.cancel(&id)["status"], "cancelled");
    assert_eq!(client.get(&target).body, b"first\n");
}
