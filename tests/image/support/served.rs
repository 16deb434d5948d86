//! What a daemon is asked for over HTTP.

use serde_json::{Value, json};
use support::{Daemon, Response};

/// Everybody's; what `GET /images/{reference}` has of it.
pub(crate) fn import(daemon: &Daemon, name: &str, archive: &[u8]) -> Value {
    let answer = ask_import(daemon, name, archive);
    assert_eq!(answer.status, 201, "{name}: {}", answer.text());
    let items = answer.json();
    items["items"][0].clone()
}

pub(crate) fn ask_import(daemon: &Daemon, name: &str, archive: &[u8]) -> Response {
    let target = format!("/images/import?name={name}");
    daemon.client().request("POST", &target, &[("content-type", "application/x-tar")], archive)
}

pub(crate) fn pull(daemon: &Daemon, body: &Value) -> Response {
    daemon.client().post("/images/pull", body)
}

/// Everything that nothing refers to is gone after it.
pub(crate) fn swept(daemon: &Daemon) -> Value {
    let answer = daemon.client().request("POST", "/images/gc", &[], b"");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// A job that must succeed, and what its last step has printed.
pub(crate) fn printed(daemon: &Daemon, request: &Value) -> (Value, String) {
    let job = daemon.run(request);
    assert_eq!(job["status"], "succeeded", "{request}: {job}");
    let text = job["steps"].as_array().and_then(|steps| steps.last()?["stdout"]["text"].as_str());
    (job.clone(), text.unwrap_or_default().to_owned())
}

/// By a shell of the image, as its root.
pub(crate) fn shell(image: &str, script: &str) -> Value {
    json!({"image": image, "user": "0:0", "command": ["/bin/sh", "-c", script]})
}
