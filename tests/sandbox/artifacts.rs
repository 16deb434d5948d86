//! Files handed out after the job.

use serde_json::{Value, json};
use support::archive::sha256;
use support::{Case, Daemon, Who, cases};

pub(crate) fn cases() -> Vec<Case> {
    cases![by_glob_with_digests, odd_kinds_are_refused, collected_after_a_failure, large_and_many]
}

fn paths(job: &Value) -> Vec<&str> {
    let artifacts = job["artifacts"].as_array().expect("a list");
    artifacts.iter().map(|artifact| artifact["path"].as_str().expect("a path")).collect()
}

fn by_glob_with_digests(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = "mkdir -p out/deep other; echo one > out/a.txt; head -c 100000 /dev/urandom > out/deep/b.bin; \
                  : > 'out/odd name%?.txt'; echo no > other/c.txt; echo no > top.txt; echo no > /tmp/out; \
                  sha256sum out/a.txt out/deep/b.bin 'out/odd name%?.txt'";
    let job = daemon.run(&json!({"command": ["sh", "-c", script], "artifacts": ["out/**"]}));
    assert_eq!(paths(&job), ["out/a.txt", "out/deep/b.bin", "out/odd name%?.txt"], "{job}");
    let inside = job["steps"][0]["stdout"]["text"].as_str().expect("text");
    let id = job["id"].as_str().expect("an id");
    let encoded = ["out/a.txt", "out/deep/b.bin", "out/odd%20name%25%3F.txt"];
    let mut client = daemon.client();
    for ((artifact, path), line) in
        job["artifacts"].as_array().expect("a list").iter().zip(encoded).zip(inside.lines())
    {
        let target = format!("/jobs/{id}/artifacts/{path}");
        let answer = client.get(&target);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let sum = sha256(&answer.body);
        assert!(line.starts_with(&sum), "{path} is not what the job wrote: {sum}, {line}");
        assert_eq!(artifact["digest"], format!("sha256:{sum}"));
        assert_eq!(artifact["bytes"], answer.body.len());
        let tag = answer.header("etag").expect("an entity tag").to_owned();
        assert_eq!(client.request("GET", &target, &[("if-none-match", &tag)], b"").status, 304);
    }
    for (target, status) in [("other/c.txt", 404), ("../../etc/passwd", 404), ("out", 404)] {
        assert_eq!(client.get(&format!("/jobs/{id}/artifacts/{target}")).status, status, "{target}");
    }
    let none = daemon.run(&json!({"command": ["sh", "-c", "echo x > y"]}));
    assert!(paths(&none).is_empty(), "nothing is collected unasked: {none}");
    let one = daemon
        .run(&json!({"command": ["sh", "-c", "mkdir d; echo x > d/y; echo x > z"], "artifacts": ["*"]}));
    assert_eq!(paths(&one), ["z"], "`*` stays within a folder");
}

fn odd_kinds_are_refused(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = "mkdir out; ln -s /etc/passwd out/link; mkfifo out/fifo; ln -s /etc out/folder; echo x > out/secret; \
                  chmod 0 out/secret; echo good > out/good";
    let job =
        daemon.run(&json!({"command": ["sh", "-c", script], "artifacts": ["out/*", "out/folder/passwd"]}));
    assert_eq!(job["status"], "succeeded", "{job}");
    let errors = job["artifact_errors"].as_array().expect("a list");
    let code =
        |path: &str| errors.iter().find(|error| error["path"] == path).map(|error| error["code"].as_str());
    for path in ["out/link", "out/fifo", "out/folder"] {
        assert_eq!(code(path), Some(Some("not_regular")), "{path}: {job}");
    }
    let expected: &[&str] =
        if code("out/secret").is_some() { &["out/good"] } else { &["out/good", "out/secret"] };
    assert_eq!(paths(&job), expected, "{job}");
}

fn collected_after_a_failure(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = daemon.run(&json!({"command": ["sh", "-c", "echo log > log; sleep 30"], "artifacts": ["log"],
        "limits": {"wall_time_ms": 5000}}));
    assert_eq!((&job["status"], paths(&job)), (&json!("timed_out"), vec!["log"]), "{job}");
}

/// At most 1000 files and 64 MiB are handed out; what is beyond is named, and the rest still comes.
fn large_and_many(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let with = |job: &Value, code: &str| {
        job["artifact_errors"]
            .as_array()
            .map_or(0, |all| all.iter().filter(|error| error["code"] == code).count())
    };
    let script = "head -c 70000000 /dev/zero > a; truncate -s 90000000 b; echo small > c";
    let large = daemon.run(&json!({"command": ["sh", "-c", script], "artifacts": ["**"]}));
    assert_eq!((with(&large, "too_large"), paths(&large)), (2, vec!["c"]), "{}", large["artifact_errors"]);
    let script = "i=0; while [ $i -lt 1010 ]; do : > f$i; i=$((i+1)); done";
    let many = daemon.run(&json!({"command": ["sh", "-c", script], "artifacts": ["**"]}));
    assert_eq!((with(&many, "too_many"), paths(&many).len()), (10, 1000));
}
