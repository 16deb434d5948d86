//! `Idempotency-Key`: sent twice, run once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{BUNDLE, Case, Client, Daemon, Response, Who, cases};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    cases![same_again, other_body, keys, at_one_time, after_a_kill, refused_and_denied]
}

fn send(client: &mut Client, target: &str, key: &str, job: &Value) -> Response {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    client.request("POST", target, &headers, job.to_string().as_bytes())
}

fn id(answer: &Response) -> String {
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("no id: {}", answer.text())).to_owned()
}

fn same_again(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let job = json!({"command": ["echo", "once"]});
    let first = send(&mut client, "/jobs", "k-1", &job);
    assert_eq!((first.status, first.header("idempotent-replayed")), (202, None), "{}", first.text());
    // `wait` is no part of the request: it asks how to answer.
    let again = send(&mut client, "/jobs?wait=true", "k-1", &job);
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{}", again.text());
    assert_eq!((id(&again), &again.json()["status"]), (id(&first), &json!("succeeded")));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(
        id(&send(&mut client, "/jobs", "\"k-1\"", &job)),
        id(&first),
        "in quotes, as the draft writes it"
    );
    assert_ne!(id(&send(&mut client, "/jobs", "k-2", &job)), id(&first));
    assert_ne!(id(&client.post("/jobs", &job)), id(&first));
}

fn other_body(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let first = send(&mut client, "/jobs", "k", &json!({"command": ["true"]}));
    problem(&send(&mut client, "/jobs", "k", &json!({"command": ["false"]})), 422, "idempotency_key_reused");
    assert_eq!(id(&send(&mut client, "/jobs", "k", &json!({"command": ["true"]}))), id(&first));
}

fn keys(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let job = json!({"command": ["true"]});
    for key in ["", "a b", "\"\"", "é", &"x".repeat(256)] {
        problem(&send(&mut client, "/jobs", key, &job), 400, "malformed_request");
    }
    assert_eq!(send(&mut client, "/jobs", &"x".repeat(255), &job).status, 202);
}

fn at_one_time(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = json!({"command": ["true"]});
    for round in 0..10 {
        let key = format!("round-{round}");
        let answers: Vec<Response> = std::thread::scope(|scope| {
            let send = || scope.spawn(|| send(&mut daemon.client(), "/jobs", &key, &job));
            let sent: Vec<_> = (0..8).map(|_| send()).collect();
            sent.into_iter().map(|thread| thread.join().expect("an answer")).collect()
        });
        let (taken, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status < 300);
        for answer in refused {
            problem(answer, 409, "idempotency_in_flight");
            assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
        }
        let ids: BTreeSet<String> = taken.iter().map(|answer| id(answer)).collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(taken.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count(), 1);
    }
}

fn after_a_kill(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = json!({"command": ["echo", "once"]});
    let first = send(&mut daemon.client(), "/jobs?wait=true", "k", &job);
    assert_eq!(first.status, 200, "{}", first.text());
    let state = daemon.state().clone();
    daemon.kill();
    let next = Daemon::resumed(who, &state, "");
    let again = send(&mut next.client(), "/jobs", "k", &job);
    assert_eq!((again.status, again.header("idempotent-replayed")), (200, Some("true")), "{}", again.text());
    assert_eq!(id(&again), id(&first));
    problem(
        &send(&mut next.client(), "/jobs", "k", &json!({"command": ["true"]})),
        422,
        "idempotency_key_reused",
    );
}

/// They leave the key for the job that is mended, or let through later.
fn refused_and_denied(who: Who) {
    let limits = |memory: u64| {
        format!(
            "[[policy]]\nname = \"limits\"\nplugin = \"builtin:resource-limits\"\ntimeout_ms = 5000\ngrants = [\"patch\"]\n\
             settings = {{ max = {{ memory_bytes = {memory} }}, on_excess = \"deny\" }}\n"
        )
    };
    let daemon = Daemon::with_policies(who, &limits(64 << 20), &[]);
    let mut client = daemon.client();
    problem(&send(&mut client, "/jobs", "k", &json!({})), 422, "invalid_job");
    let job = json!({"command": ["true"], "limits": {"memory_bytes": 128 << 20}});
    problem(&send(&mut client, "/jobs", "k", &job), 403, "policy_denied");
    daemon.rewrite(BUNDLE, limits(128 << 20));
    assert_eq!(client.request("POST", "/policies/reload", &[], b"").status, 200);
    let taken = send(&mut client, "/jobs", "k", &job);
    assert_eq!((taken.status, taken.header("idempotent-replayed")), (202, None), "{}", taken.text());
}
