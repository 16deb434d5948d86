//! Bundles and answers, as all cases of this suite need them.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Daemon, Response, eventually};

/// One policy of a bundle; its component lies beside the bundle as `PLUGIN.wasm`.
pub(crate) fn entry(name: &str, plugin: &str, more: &str) -> String {
    policy(name, &format!("{plugin}.wasm"), more)
}

/// One that comes with Stockade.
pub(crate) fn builtin(name: &str, plugin: &str, more: &str) -> String {
    policy(name, &format!("builtin:{plugin}"), more)
}

/// With all the time that there is, where it is given no other: the time of a thread that does not run counts too.
fn policy(name: &str, plugin: &str, more: &str) -> String {
    let time = if more.contains("timeout_ms") { "" } else { "timeout_ms = 5000" };
    let more = [more, time].into_iter().filter(|lines| !lines.is_empty()).collect::<Vec<_>>().join("\n");
    format!("[[policy]]\nname = {name:?}\nplugin = {plugin:?}\n{more}\n\n")
}

/// Only about jobs with the label `case` of this value.
pub(crate) fn only(case: &str) -> String {
    format!("match = {{ labels = {{ case = {case:?} }} }}")
}

pub(crate) fn job(case: &str) -> Value {
    json!({"command": ["true"], "labels": {"case": case}})
}

pub(crate) fn send(daemon: &Daemon, request: &Value) -> Response {
    daemon.client().post("/jobs?wait=true", request)
}

/// What a denied job's sender is told. `kind` is `policy_denied` or `policy_failed`.
pub(crate) fn denied(answer: &Response, status: u16, kind: &str) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:stockade:problem:{kind}"), "{problem}");
    problem
}

/// The decisions of one policy in a job, or in the problem that a denied one is answered with.
pub(crate) fn decisions<'a>(record: &'a Value, policy: &str) -> Vec<&'a Value> {
    let all = record["policy"].as_array().unwrap_or_else(|| panic!("no decisions: {record}"));
    all.iter().filter(|decision| decision["policy"] == policy).collect()
}

/// Its only decision.
pub(crate) fn decision<'a>(record: &'a Value, policy: &str) -> &'a Value {
    match decisions(record, policy)[..] {
        [only] => only,
        ref other => panic!("{} decisions of {policy}: {record}", other.len()),
    }
}

/// Of everybody who was asked, in that order.
pub(crate) fn asked(record: &Value) -> Vec<&str> {
    let all = record["policy"].as_array().map_or(&[][..], Vec::as_slice);
    all.iter().map(|decision| decision["policy"].as_str().expect("a name")).collect()
}

/// One policy of `GET /policies`.
pub(crate) fn loaded(daemon: &Daemon, policy: &str) -> Value {
    let summary = daemon.client().get("/policies").json();
    let all = summary["policies"].as_array().unwrap_or_else(|| panic!("no policies: {summary}"));
    all.iter().find(|one| one["name"] == policy).unwrap_or_else(|| panic!("no {policy}: {summary}")).clone()
}

/// The record once `wanted` holds: what lifecycle hooks add comes after the job's end.
pub(crate) fn record(daemon: &Daemon, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually(Duration::from_secs(10), what, || Some(daemon.job(id)).filter(|job| wanted(job)))
}

pub(crate) fn generation(daemon: &Daemon) -> u64 {
    daemon.client().get("/policies").json()["generation"].as_u64().expect("a number")
}
