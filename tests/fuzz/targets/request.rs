use model::{FieldError, HostPolicy, JobRequest, Limits};
use serde_json::{Value, json};

use super::kind;
use crate::change::Form;
use crate::hunt::Target;

/// Bodies of `POST /jobs`.
pub(super) fn target() -> Target {
    let words = &[
        "command",
        "steps",
        "files",
        "limits",
        "env",
        "cases",
        "expect",
        "checker",
        "volumes",
        "network",
        "callback",
        "commit",
        "labels",
        "retry",
        "stdin",
        "image",
        "host",
        "wall_time_ms",
        "memory_bytes",
        "path",
        "content",
        "mode",
        "float",
        "epsilon",
        "/workspace",
        "tenant",
        "priority",
        "require",
    ];
    Target { name: "request", form: Form::Json, seeds, words, tried }
}

fn seeds() -> Vec<Vec<u8>> {
    [
        json!({"command": ["echo", "hello"]}),
        json!({"steps": [
            {"command": ["g++", "-o", "a", "a.cc"], "profile": "build"},
            {"command": ["./a"], "limits": {"wall_time_ms": 100, "cpus": 0.5}, "cases": [
                {"name": "one", "stdin": {"content": "1"}, "expect": {"stdout": "2", "compare": "float", "epsilon": 1e-6}},
                {"args": ["x"], "expect": {"stdout": "", "checker": {"command": ["./check"]}}},
            ], "parallel": 2, "fail_fast": true},
        ], "files": [{"path": "a.cc", "content": "int main(){}", "mode": "0644"}]}),
        json!({"command": ["sh"], "env": {"A": "b"}, "labels": {"a": "b"}, "priority": 3, "user": 1000,
            "network": {"mode": "none"}, "volumes": [{"name": "v", "path": "/v", "read_only": true}],
            "retry": {"max_attempts": 2}, "require": ["landlock"], "callback": {"url": "https://a.example/"},
            "artifacts": ["out/*"], "queue_timeout_ms": 5, "profile": "strict",
            "limits": {"memory_bytes": 1 << 20, "pids": 3, "stack_bytes": 1 << 16}}),
        json!({"image": "docker.io/library/busybox", "command": ["true"], "commit": {"name": "x:1"}}),
    ]
    .map(|job: Value| job.to_string().into_bytes())
    .into()
}

fn tried(input: &[u8]) -> String {
    let request: JobRequest = match model::read(input) {
        Ok(request) => request,
        Err(error) => return kind(&error.to_string()),
    };
    let sent: Value = serde_json::from_slice(input).expect("a request is JSON");
    let profiles = vec!["strict".into(), "default".into(), "build".into()];
    let host = HostPolicy { defaults: Limits::defaults(), caps: Limits::defaults(), profiles };
    match request.check(&host) {
        Ok(spec) => {
            // What policies get and give back is held to the same rules.
            assert_eq!(spec.recheck(&host), Ok(()));
            format!("{} steps, {} files, {} volumes", spec.steps.len(), spec.files.len(), spec.volumes.len())
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in &errors {
                names_a_place(&sent, error);
            }
            let first = |error: &FieldError| error.pointer.split('/').nth(1).map(kind).unwrap_or_default();
            let told = |error: &FieldError| format!("{} {}", first(error), error.code);
            errors.iter().take(2).map(told).collect::<Vec<_>>().join(", ")
        }
    }
}

/// A field that was sent, or one that is missing from something that was (RFC 6901).
fn names_a_place(sent: &Value, FieldError { pointer, code, detail }: &FieldError) {
    assert!(!code.is_empty() && !detail.is_empty(), "{pointer}: {code}: {detail}");
    let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
    let is_there = sent.pointer(pointer).is_some() || sent.pointer(parent).is_some();
    assert!(is_there, "{pointer} ({code}: {detail}) is not in {sent}");
}
