//! Blobs: sent once, whole or not at all, and named by jobs.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Case, Client, Daemon, Who, cases, eventually};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![named_by_jobs, unknown, held_against_its_digest, parts, chunked, broken_off, too_large]
}

const KIND: (&str, &str) = ("content-type", "application/octet-stream");

pub(crate) fn upload(client: &mut Client, bytes: &[u8]) -> String {
    let answer = client.request("POST", "/blobs", &[KIND], bytes);
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    let told = answer.json();
    assert_eq!(answer.header("location"), told["digest"].as_str().map(|d| format!("/blobs/{d}")).as_deref());
    assert_eq!(told["bytes"], bytes.len(), "{told}");
    told["digest"].as_str().expect("a digest").to_owned()
}

fn named_by_jobs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let (script, input) = (upload(&mut client, b"cat - data\n"), upload(&mut client, b"from stdin\n"));
    let data = upload(&mut client, b"\xff\x00data");
    let job = json!({
        "files": [{"path": "run.sh", "blob": script, "mode": "0755"}, {"path": "data", "blob": data}],
        "steps": [{"name": "one", "command": ["sh", "run.sh"], "stdin": {"blob": input}},
                  {"name": "two", "command": ["cat"], "stdin": {"blob": input}}]
    });
    let done = daemon.run(&job);
    assert_eq!(done["status"], "succeeded", "{done}");
    let id = done["id"].as_str().expect("an id");
    assert_eq!(client.get(&format!("/jobs/{id}/steps/one/stdout")).body, b"from stdin\n\xff\x00data");
    assert_eq!(done["steps"][1]["stdout"]["text"], "from stdin\n", "{done}");
    // What a job collects is a blob too, of the tenant whose job it was.
    let made = daemon.run(&json!({"command": ["sh", "-c", "echo made > out"], "artifacts": ["out"]}));
    let digest = made["artifacts"][0]["digest"].as_str().expect("an artifact").to_owned();
    assert_eq!(client.get(&format!("/blobs/{digest}")).body, b"made\n");
    let next = daemon.run(&json!({"command": ["cat"], "stdin": {"blob": digest}}));
    assert_eq!(next["steps"][0]["stdout"]["text"], "made\n", "{next}");
}

fn unknown(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let known = upload(&mut client, b"known");
    let none = format!("sha256:{:064}", 0);
    problem(&client.get(&format!("/blobs/{none}")), 404, "blob_not_found");
    let short = json!({"command": ["cat"], "stdin": {"blob": none}});
    assert_eq!(problem(&client.post("/jobs", &short), 422, "invalid_job"), ["/stdin/blob"]);
    let job = json!({
        "files": [{"path": "a", "blob": known}, {"path": "b", "blob": none}],
        "steps": [{"command": ["cat"], "stdin": {"blob": none}, "cases": [
            {"stdin": {"blob": known}}, {"stdin": {"blob": none}, "expect": {"stdout_blob": none}}]}]
    });
    let pointers = [
        "/files/1/blob",
        "/steps/0/stdin/blob",
        "/steps/0/cases/1/stdin/blob",
        "/steps/0/cases/1/expect/stdout_blob",
    ];
    let answer = client.post("/jobs", &job);
    assert_eq!(problem(&answer, 422, "invalid_job"), pointers);
    assert_eq!(answer.json()["errors"][0]["code"], "unknown_blob");
    assert_eq!(problem(&client.post("/jobs?dry_run=true", &job), 422, "invalid_job"), pointers);
    for word in ["", "sha256:", "md5:00", &none.to_uppercase()] {
        let job = json!({"command": ["cat"], "stdin": {"blob": word}});
        assert_eq!(problem(&client.post("/jobs", &job), 422, "invalid_job"), ["/stdin/blob"], "{word}");
    }
}

fn held_against_its_digest(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let digest = |bytes: &[u8]| format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(bytes)));
    for name in ["content-digest", "repr-digest"] {
        let answer = client.request("POST", "/blobs", &[KIND, (name, &digest(b"other"))], b"bytes");
        problem(&answer, 422, "digest_mismatch");
        let answer = client.request("POST", "/blobs", &[KIND, (name, "sha-256=bytes")], b"bytes");
        problem(&answer, 400, "malformed_request");
    }
    assert_eq!(
        client.request("POST", "/blobs", &[KIND, ("content-digest", &digest(b"bytes"))], b"bytes").status,
        201
    );
    assert_eq!(client.request("POST", "/blobs", &[KIND], b"bytes").status, 200);
}

fn parts(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let digest = upload(&mut client, &bytes);
    let target = format!("/blobs/{digest}");
    let whole = client.get(&target);
    assert!(whole.body == bytes, "{} bytes", whole.body.len());
    assert_eq!(whole.header("etag"), Some(format!("\"{digest}\"").as_str()));
    assert!(whole.header("cache-control").is_some_and(|control| control.contains("immutable")));
    let part = client.request("GET", &target, &[("range", "bytes=5-9999999")], b"");
    assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 5-9999999/12000000")));
    assert!(part.body == bytes[5..10_000_000]);
    let last = client.request("GET", &target, &[("range", "bytes=-2")], b"");
    assert_eq!((last.status, last.body.as_slice()), (206, &bytes[11_999_998..]));
    let beyond = client.request("GET", &target, &[("range", "bytes=12000000-")], b"");
    problem(&beyond, 416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), Some("bytes */12000000"));
    let several = client.request("GET", &target, &[("range", "bytes=0-1,5-6")], b"");
    assert_eq!((several.status, several.body.len()), (200, bytes.len()));
    let known = client.request("GET", &target, &[("if-none-match", &format!("\"{digest}\""))], b"");
    assert_eq!((known.status, known.body.len()), (304, 0));
}

fn chunked(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let head = client.head("POST", "/blobs", &[KIND, ("transfer-encoding", "chunked")], None);
    client.send(&head);
    for _ in 0..100 {
        client.send(format!("{:x}\r\n{}\r\n", 1000, "x".repeat(1000)).as_bytes());
    }
    client.send(b"0\r\n\r\n");
    let answer = client.receive().expect("an answer");
    assert_eq!((answer.status, &answer.json()["bytes"]), (201, &json!(100_000)), "{}", answer.text());
}

/// What a client that goes away has sent is gone too.
fn broken_off(who: Who) {
    let daemon = Daemon::start(who, &[]);
    upload(&mut daemon.client(), b"the folder is there");
    let incoming = || daemon.state().files().iter().filter(|(path, _)| path.starts_with("blobs")).count();
    let before = incoming();
    for _ in 0..10 {
        let mut client = daemon.client();
        let head = client.head("POST", "/blobs", &[KIND], Some(10 << 20));
        client.send(&head);
        client.send(&vec![b'x'; 1 << 20]);
    }
    eventually(Duration::from_secs(10), "nothing is left of uploads that were broken off", || {
        (incoming() == before).then_some(())
    });
}

fn too_large(who: Who) {
    let daemon = Daemon::configured(who, "max_blob_bytes = 1000\n");
    let mut client = daemon.client();
    upload(&mut client, &[b'x'; 1000]);
    problem(&client.request("POST", "/blobs", &[KIND], &[b'x'; 1001]), 413, "body_too_large");
    let mut client = daemon.client();
    let head = client.head("POST", "/blobs", &[KIND, ("transfer-encoding", "chunked")], None);
    client.send(&head);
    client.send(format!("{:x}\r\n{}\r\n", 1001, "x".repeat(1001)).as_bytes());
    let answer = client.receive().expect("an answer before the end of the body");
    problem(&answer, 413, "body_too_large");
    let usage: Value = daemon.client().get("/usage").json();
    assert_eq!(usage["blob_bytes"], 1000, "{usage}");
}
