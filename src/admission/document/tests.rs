use std::collections::BTreeSet;

use model::{CommitSpec, JobSpec};
use serde_json::{Value, json};

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
    assert_eq!(at(&document, "/labels/a~1b", || true).as_deref(), Some("\"c\""));
    assert_eq!(at(&document, "/steps/0/command/0", || true).as_deref(), Some("\"true\""));
    assert_eq!(at(&document, "/steps/1", || true), None);
    assert_eq!(at(&document, "labels", || true), None);
    assert_eq!(at(&document, "", || true).as_deref(), Some(document.to_string().as_str()));
}

#[test]
fn what_there_is_no_time_for_is_left_out() {
    let words: Vec<String> = (0..1000).map(|word| word.to_string()).collect();
    let steps: Vec<_> = (0..3).map(|_| serde_json::json!({ "command": words })).collect();
    let spec = job(serde_json::json!({ "steps": steps }));
    let left = std::cell::Cell::new(1500);
    let in_time = || {
        left.set(left.get() - 1);
        left.get() > 0
    };
    let cut = super::made(&spec, &about(), &in_time);
    let words = |step: &serde_json::Value| step["command"].as_array().map_or(0, Vec::len);
    let cut: Vec<usize> = cut["steps"].as_array().expect("steps").iter().map(words).collect();
    assert!(cut.len() == 2 && cut[0] == 1000 && cut[1] < 500, "{cut:?}");

    let document = serde_json::json!("x".repeat(1 << 20));
    assert_eq!(at(&document, "", || false), None);
    assert_eq!(at(&document, "", || true).map(|text| text.len()), Some((1 << 20) + 2));
}

/// Where its values are, with `N` for a place in a list. A list of text is one value.
fn pointers(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                // They are told once, with the step.
                let key = if at.ends_with("/cases/N/limits") { "NAME" } else { key.as_str() };
                pointers(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(all) if all.iter().any(Value::is_object) => {
            for value in all {
                pointers(value, &format!("{at}/N"), found);
            }
        }
        _ => {
            found.insert(at.to_owned());
        }
    }
}

#[test]
fn the_contracts_table_has_all_of_it_and_nothing_else() {
    let checked = json!({ "expect": { "checker": { "command": ["chk"] } } });
    let compared = json!({ "expect": { "stdout": "x" } });
    let body = json!({
        "steps": [{ "command": ["true"], "cases": [checked, compared] }],
        "volumes": [{ "name": "cache", "path": "/mnt/cache" }],
        "files": [{ "path": "a", "text": "x" }],
        "labels": { "NAME": "x" },
        "callback": { "url": "https://example.org/", "secret": "A".repeat(32) },
    });
    // A request cannot ask for one on `host`.
    let commit = Some(CommitSpec { image: "acme/app:1".into(), workspace: true });
    let spec = JobSpec { commit, ..job(body) };
    let mut found = BTreeSet::new();
    pointers(&document(&spec, &about()), "", &mut found);
    let lines = include_str!("../../../sdk/wit/README.md").lines();
    let rows = lines.filter_map(|line| line.strip_prefix("| `/")?.split_once('`'));
    let table: BTreeSet<String> = rows.map(|(pointer, _)| format!("/{pointer}")).collect();
    assert_eq!(table, found);
}
