use serde_json::json;

use super::{ReadError, read};
use crate::JobRequest;

fn wrong_field(body: &str) -> (String, &'static str) {
    match read::<JobRequest>(body.as_bytes()) {
        Err(ReadError::Field(error)) => (error.pointer, error.code),
        other => panic!("{body}: {other:?}"),
    }
}

#[test]
fn points_at_the_very_field() {
    for (body, pointer, code) in [
        (r#"{"foo":1}"#, "/foo", "unknown"),
        (r#"{"limits":{"foo":1}}"#, "/limits/foo", "unknown"),
        (r#"{"steps":[{"bar":1}]}"#, "/steps/0/bar", "unknown"),
        (r#"{"steps":[{},{"limits":{"pid":1}}]}"#, "/steps/1/limits/pid", "unknown"),
        (r#"{"files":[{"path":"a"},{"path":"b","x":1}]}"#, "/files/1/x", "unknown"),
        (r#"{"network":{"mode":"none","hosts":[]}}"#, "/network/hosts", "unknown"),
        (r#"{"network":{"hosts":["a"],"mode":"none"}}"#, "/network/hosts", "unknown"),
        (r#"{"stdin":{"texts":"a"}}"#, "/stdin/texts", "unknown"),
        (r#"{"a/b~c":1}"#, "/a~1b~0c", "unknown"),
        (r#"{"a`, expected `b`":1}"#, "/a`, expected `b`", "unknown"),
        (r#"{"limits":{"pids":"many"}}"#, "/limits/pids", "invalid"),
        (r#"{"limits":{"pids":-1}}"#, "/limits/pids", "invalid"),
        (r#"{"limits":{"pids":1.5}}"#, "/limits/pids", "invalid"),
        (r#"{"command":"true"}"#, "/command", "invalid"),
        (r#"{"command":["echo",1]}"#, "/command/1", "invalid"),
        (r#"{"env":{"A":1}}"#, "/env/A", "invalid"),
        (r#"{"steps":[{"command":["a",null]}]}"#, "/steps/0/command/1", "invalid"),
        (r#"{"on_output_limit":"shrug"}"#, "/on_output_limit", "invalid"),
        (r#"{"network":{"mode":"full"}}"#, "/network/mode", "invalid"),
        (r#"{"network":{}}"#, "/network/mode", "required"),
        (r#"{"network":"none"}"#, "/network", "invalid"),
        (r#"{"files":[{"text":"a"}]}"#, "/files/0/path", "required"),
        (r#"{"image":"a","image":"b"}"#, "/image", "duplicate"),
        (r#"{"limits":{"pids":1,"pids":2}}"#, "/limits/pids", "duplicate"),
        (r#"["host"]"#, "", "invalid"),
        (r#"{"limits":[]}"#, "/limits", "invalid"),
        (r#"{"limits":null}"#, "/limits", "invalid"),
        (r#"{"stdin":["a"]}"#, "/stdin", "invalid"),
        (r#"{"network":["none"]}"#, "/network", "invalid"),
        (r#"{"steps":[["build",["make"]]]}"#, "/steps/0", "invalid"),
        (r#"{"steps":[{"limits":[]}]}"#, "/steps/0/limits", "invalid"),
        (r#"{"steps":[{"stdin":[]}]}"#, "/steps/0/stdin", "invalid"),
        (r#"{"files":[["a","b"]]}"#, "/files/0", "invalid"),
        ("null", "", "invalid"),
    ] {
        assert_eq!(wrong_field(body), (pointer.to_owned(), code), "{body}");
    }
}

#[test]
fn reads_every_field_as_serde_would() {
    let body = json!({
        "image": "host",
        "files": [{"path": "a", "text": "\u{e9}\n"}, {"path": "b", "base64": "AA==", "mode": "0600"}],
        "env": {"A": "1", "B": ""},
        "steps": [{"name": "x", "command": ["a", "b"], "stdin": {"text": ""}, "limits": {"cpus": 2}, "profile": null}],
        "command": null,
        "limits": {"pids": 1, "cpus": 0.5, "memory_bytes": u64::MAX},
        "on_output_limit": "kill",
        "network": {"mode": "none"},
        "artifacts": ["out/**"],
        "user": "0",
        "labels": {"": "x"},
        "require": ["landlock>=4"],
    });
    let job = read::<JobRequest>(body.to_string().as_bytes()).expect("a job");
    assert_eq!(job, serde_json::from_value(body).expect("a job"));
    assert_eq!(job.limits.memory_bytes, Some(u64::MAX));
    assert_eq!(read::<JobRequest>(b" {}\n").expect("a job"), JobRequest::default());
}

#[test]
fn what_is_not_json_is_malformed_even_behind_a_wrong_field() {
    let deep = |open: &str, n: usize| open.repeat(n);
    for body in [
        String::new(),
        "{".into(),
        r#"{"image":}"#.into(),
        r#"{"foo":1"#.into(),
        r#"{"limits":{"pids":"a"},}"#.into(),
        "{} {}".into(),
        r#"{"image":"\ud800"}"#.into(),
        r#"{"limits":{"cpus":1e999}}"#.into(),
        "\u{feff}{}".into(),
        deep("[", 100_000),
        deep(r#"{"a":"#, 100_000),
        format!(r#"{{"labels":{}{}}}"#, deep("[", 100_000), deep("]", 100_000)),
        format!(r#"{{"network":{}1{}}}"#, deep(r#"{"a":"#, 1000), deep("}", 1000)),
    ] {
        let parsed = read::<JobRequest>(body.as_bytes());
        assert!(matches!(parsed, Err(ReadError::Malformed(_))), "{body:.60}: {parsed:?}");
    }
    assert!(matches!(read::<JobRequest>(b"{\"image\":\"\xff\"}"), Err(ReadError::Malformed(_))));
}
