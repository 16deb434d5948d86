use serde_json::json;

use super::{at, document};
use crate::testing::{about, job};

#[test]
fn secrets_are_not_in_it() {
    let body = json!({
        "steps": [{ "command": ["sh"], "stdin": { "text": "SECRET-stdin" }, "env": { "TOKEN": "SECRET-env" } }],
        "env": { "SHARED": "SECRET-shared" },
        "files": [{ "path": "key.pem", "text": "SECRET-file", "mode": "0600" }],
    });
    let document = document(&job(body), &about());
    assert!(!document.to_string().contains("SECRET"), "{document}");
    let names = document.pointer("/steps/0/env_names").expect("there").as_array().expect("a list");
    assert!(names.contains(&json!("TOKEN")) && names.contains(&json!("SHARED")));
    assert_eq!(document["steps"][0]["stdin_bytes"], 12);
    assert_eq!(document["files"], json!([{ "path": "key.pem", "bytes": 11, "mode": "0600" }]));
}

#[test]
fn it_is_shaped_like_the_request() {
    let body =
        json!({ "command": ["true"], "labels": { "a/b": "c" }, "require": ["landlock"], "user": "1001" });
    let about = about();
    let document = document(&job(body), &about);
    assert_eq!(document["id"], json!(about.id));
    assert_eq!((&document["tenant"], &document["submitter"]), (&json!("acme"), &json!("ci")));
    assert_eq!((&document["image"], &document["user"]), (&json!("host"), &json!("1001")));
    assert_eq!(document["network"], json!({ "mode": "none" }));
    assert_eq!(document["require"], json!(["landlock"]));
    assert_eq!(document["steps"][0]["command"], json!(["true"]));
    assert_eq!(document["limits"]["disk_bytes"], document["steps"][0]["limits"]["disk_bytes"]);
}

#[test]
fn cases_are_shaped_like_the_request() {
    let checked = json!({ "name": "a", "args": ["1"], "env": { "B": "SECRET" }, "expect": { "checker": { "command": ["chk"] } } });
    let compared = json!({ "name": "b", "expect": { "stdout": "SECRET", "compare": "tokens" } });
    let steps = json!([{ "command": ["true"], "cases": [checked, compared] }]);
    let document = document(&job(json!({ "steps": steps })), &about());
    assert!(!document.to_string().contains("SECRET"), "{document}");
    let all = &document["steps"][0]["cases"];
    assert_eq!((&all[0]["args"], &all[0]["env_names"]), (&json!(["1"]), &json!(["B"])));
    assert_eq!(all[0]["expect"]["checker"]["command"], json!(["chk"]));
    assert_eq!(all[1]["expect"], json!({ "compare": "tokens" }));
}

#[test]
fn pointers_are_rfc_6901() {
    let document = document(&job(json!({ "command": ["true"], "labels": { "a/b": "c" } })), &about());
    assert_eq!(at(&document, "/labels/a~1b").as_deref(), Some("\"c\""));
    assert_eq!(at(&document, "/steps/0/command/0").as_deref(), Some("\"true\""));
    assert_eq!(at(&document, "/steps/1"), None);
    assert_eq!(at(&document, "labels"), None);
    assert_eq!(at(&document, "").as_deref(), Some(document.to_string().as_str()));
}
