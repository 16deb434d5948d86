use std::sync::Arc;

use model::{LIMIT_NAMES, RefusedPatch};
use serde_json::{Value, json};

use super::{Draft, PatchError, Rights};
use crate::testing::{host, job};

mod variables;

fn rights(policy: &str) -> Rights {
    Rights { policy: policy.into(), loosen: false, overrides: false, profiles: host().profiles.into() }
}

fn loose(policy: &str) -> Rights {
    Rights { loosen: true, ..rights(policy) }
}

fn draft(body: Value) -> Draft {
    Draft::new(Arc::new(job(body)))
}

/// Two steps; the second may use half the memory.
fn two() -> Draft {
    draft(json!({ "steps": [
        { "command": ["a"], "limits": { "memory_bytes": 200_000_000 } },
        { "command": ["b"], "limits": { "memory_bytes": 100_000_000 } },
    ]}))
}

fn ops(draft: &mut Draft) -> Value {
    serde_json::to_value(draft.patch().0).expect("plain data")
}

fn refusal(path: &str, code: &str) -> RefusedPatch {
    RefusedPatch { path: path.into(), code: code.into() }
}

#[test]
fn every_limit_can_be_lowered_and_not_raised() {
    for name in LIMIT_NAMES {
        let mut draft = draft(json!({ "command": ["a"] }));
        let before = draft.spec().clone();
        let now = before.steps[0].limits.by_name(name).expect("a limit");
        assert_eq!(draft.set_limit(&rights("p"), name, now), Ok(()), "{name}");
        assert!(!draft.is_changed(), "{name}: as it was");
        assert_eq!(draft.set_limit(&rights("p"), name, now + 1), Err(PatchError::LoosensIsolation), "{name}");
        assert_eq!(draft.spec(), &before, "{name}");
        assert_eq!(draft.set_limit(&rights("p"), name, now - 1), Ok(()), "{name}");
        assert_eq!(draft.spec().steps[0].limits.by_name(name), Some(now - 1), "{name}");
        assert_eq!(draft.set_limit(&loose("p"), name, now + 1), Ok(()), "{name}");
        assert_eq!(draft.spec().steps[0].limits.by_name(name), Some(now + 1), "{name}");
        draft.discard();
        assert_eq!(draft.spec(), &before, "{name}");
    }
}

#[test]
fn a_limit_is_for_the_steps_above_it() {
    let mut draft = two();
    draft.set_limit(&rights("p"), "memory_bytes", 150_000_000).expect("lower");
    assert_eq!(
        ops(&mut draft),
        json!([{ "op": "replace", "path": "/steps/0/limits/memory_bytes", "value": 150_000_000 }])
    );
    draft.discard();
    draft.set_limit(&loose("p"), "memory_bytes", 300_000_000).expect("granted");
    assert!(draft.spec().steps.iter().all(|step| step.limits.memory_bytes == 300_000_000));
}

#[test]
fn the_disk_is_one_for_the_job() {
    let mut draft = two();
    draft.set_limit(&rights("p"), "disk_bytes", 65_536).expect("lower");
    assert_eq!(draft.spec().disk_bytes, 65_536);
    assert!(draft.spec().steps.iter().all(|step| step.limits.disk_bytes == 65_536));
    assert_eq!(ops(&mut draft), json!([{ "op": "replace", "path": "/limits/disk_bytes", "value": 65_536 }]));
    let refused = draft.set_step_limit(&rights("p"), 0, "disk_bytes", 1);
    assert_eq!(refused, Err(PatchError::NoSuchField));
}

#[test]
fn one_steps_limit_is_its_own() {
    let mut draft = two();
    draft.set_step_limit(&rights("p"), 1, "pids", 3).expect("lower");
    assert_eq!((draft.spec().steps[0].limits.pids, draft.spec().steps[1].limits.pids), (128, 3));
    assert_eq!(draft.set_step_limit(&rights("p"), 2, "pids", 3), Err(PatchError::NoSuchField));
    assert_eq!(draft.set_step_limit(&rights("p"), 0, "speed", 3), Err(PatchError::NoSuchField));
    let expected =
        [("/steps/2/limits/pids"), ("/steps/0/limits/speed")].map(|at| refusal(at, "no-such-field"));
    assert_eq!(draft.patch().1, expected);
    assert!(draft.patch().1.is_empty(), "told once");
}

#[test]
fn a_fraction_of_a_cpu_comes_back_exactly() {
    let mut draft = draft(json!({ "command": ["a"], "limits": { "cpus": 0.3333 } }));
    let exact = draft.spec().steps[0].limits.cpus.to_bits();
    draft.set_limit(&rights("p"), "cpus", 250).expect("lower");
    assert_eq!(ops(&mut draft), json!([{ "op": "replace", "path": "/steps/0/limits/cpus", "value": 0.25 }]));
    draft.discard();
    assert_eq!(draft.spec().steps[0].limits.cpus.to_bits(), exact);
    draft.set_limit(&rights("p"), "cpus", 334).expect("no more than it is seen to ask for");
    assert_eq!(draft.spec().steps[0].limits.cpus.to_bits(), exact, "0.334 would be more");
}

#[test]
fn labels_come_change_and_go() {
    let mut draft = draft(json!({ "command": ["a"], "labels": { "old": "1", "gone": "1" } }));
    draft.set_label(&rights("p"), "old", Some("2")).expect("allowed");
    draft.set_label(&rights("p"), "gone", None).expect("allowed");
    draft.set_label(&rights("p"), "never", None).expect("nothing to do");
    draft.set_label(&rights("p"), "a/b~c", Some("3")).expect("allowed");
    let expected = json!([
        { "op": "replace", "path": "/labels/old", "value": "2" },
        { "op": "remove", "path": "/labels/gone" },
        { "op": "add", "path": "/labels/a~1b~0c", "value": "3" },
    ]);
    assert_eq!(ops(&mut draft), expected);
    let long = "x".repeat(257);
    for (key, value) in [("", "v"), (long.as_str(), "v"), ("k", long.as_str())] {
        assert_eq!(draft.set_label(&rights("p"), key, Some(value)), Err(PatchError::InvalidValue));
    }
}

#[test]
fn profiles_go_from_loose_to_tight() {
    let mut draft = draft(json!({ "command": ["a"] }));
    draft.set_profile(&rights("p"), None, "strict").expect("tighter");
    assert_eq!(draft.set_profile(&rights("p"), None, "build"), Err(PatchError::LoosensIsolation));
    assert_eq!(
        draft.set_profile(&rights("p"), None, "extra"),
        Err(PatchError::LoosensIsolation),
        "in no order"
    );
    assert_eq!(draft.set_profile(&loose("p"), None, "unknown"), Err(PatchError::InvalidValue));
    assert_eq!(draft.set_profile(&rights("p"), Some(1), "strict"), Err(PatchError::NoSuchField));
    draft.set_profile(&loose("p"), Some(0), "extra").expect("granted");
    assert_eq!(draft.spec().steps[0].profile, "extra");
}

#[test]
fn requirements_only_grow() {
    let mut draft = two();
    draft.add_requirement(&rights("p"), "landlock").expect("allowed");
    draft.add_requirement(&rights("p"), "landlock").expect("there already");
    draft.keep(&"p".into());
    draft.add_requirement(&rights("q"), "cgroup.memory").expect("in nobody's way");
    assert_eq!(ops(&mut draft), json!([{ "op": "add", "path": "/require/-", "value": "cgroup.memory" }]));
    draft.discard();
    assert_eq!(draft.spec().require, ["landlock"]);
    assert_eq!(draft.add_requirement(&rights("p"), ""), Err(PatchError::InvalidValue));
}

#[test]
fn a_field_belongs_to_who_changed_it_last() {
    let (first, second): (Arc<str>, Arc<str>) = ("first".into(), "second".into());
    let mut draft = two();
    draft.set_label(&rights("first"), "k", Some("1")).expect("nobody's yet");
    draft.keep(&first);
    assert_eq!((draft.owner("/labels/k"), draft.version()), (Some(&first), 1));
    assert_eq!(draft.set_label(&rights("second"), "k", Some("2")), Err(PatchError::Conflict));
    assert_eq!(draft.patch().1, [refusal("/labels/k", "conflict")]);
    draft.set_label(&rights("second"), "k", Some("1")).expect("no change is no conflict");
    let overriding = Rights { overrides: true, ..rights("second") };
    draft.set_label(&overriding, "k", Some("2")).expect("granted");
    draft.keep(&second);
    assert_eq!((draft.owner("/labels/k"), draft.version()), (Some(&second), 2));
    assert_eq!(draft.set_label(&rights("first"), "k", Some("1")), Err(PatchError::Conflict));
    draft.keep(&first);
    assert_eq!(draft.version(), 2, "nothing was pending");
}

#[test]
fn a_call_over_all_steps_is_all_or_nothing() {
    let mut draft = two();
    draft.set_step_limit(&rights("first"), 1, "memory_bytes", 90_000_000).expect("lower");
    draft.keep(&"first".into());
    let before = draft.spec().clone();
    draft.set_label(&rights("second"), "k", Some("v")).expect("allowed");
    let refused = draft.set_limit(&rights("second"), "memory_bytes", 50_000_000);
    assert_eq!(refused, Err(PatchError::Conflict), "the second step is another's");
    assert_eq!((draft.spec().steps.clone(), draft.pending()), (before.steps.clone(), 1));
    draft.discard();
    assert_eq!(draft.spec(), &before);
}

#[test]
fn what_is_withdrawn_can_be_seen_as_if_it_were_there() {
    let mut draft = two();
    let before = draft.spec().clone();
    draft.set_label(&rights("p"), "k", Some("1")).expect("allowed");
    draft.set_label(&rights("p"), "k", Some("2")).expect("its own");
    draft.set_limit(&rights("p"), "disk_bytes", 65_536).expect("lower");
    let changes = draft.withdraw();
    assert_eq!((draft.spec(), draft.is_changed()), (&before, false));
    let shadow = draft.shadow(&changes);
    assert_eq!((shadow.spec().labels["k"].as_str(), shadow.spec().disk_bytes), ("2", 65_536));
    assert_eq!(draft.spec(), &before);
}

#[test]
fn every_allowed_operation_of_a_json_patch() {
    let mut draft = draft(json!({ "command": ["a"], "labels": { "old": "1" } }));
    let all = json!([
        { "op": "add", "path": "/labels/new~1one", "value": "x" },
        { "op": "replace", "path": "/labels/old", "value": "2" },
        { "op": "remove", "path": "/labels/old" },
        { "op": "replace", "path": "/limits/disk_bytes", "value": 65_536 },
        { "op": "replace", "path": "/steps/0/limits/pids", "value": 5 },
        { "op": "replace", "path": "/steps/0/profile", "value": "strict" },
        { "op": "add", "path": "/require/-", "value": "landlock" },
    ]);
    for op in all.as_array().expect("a list") {
        assert_eq!(draft.json_op(&rights("p"), &op.to_string()), Ok(()), "{op}");
    }
    assert_eq!(ops(&mut draft), all);
}

#[test]
fn every_other_operation_is_refused() {
    for (op, path, value, error) in [
        ("add", "/image", json!("x"), PatchError::NoSuchField),
        ("replace", "/steps/0/command", json!(["x"]), PatchError::NoSuchField),
        ("add", "/steps/0/env/A", json!("x"), PatchError::NoSuchField),
        ("replace", "/steps/7/profile", json!("strict"), PatchError::NoSuchField),
        ("replace", "/steps/x/profile", json!("strict"), PatchError::NoSuchField),
        ("replace", "/steps/-1/limits/pids", json!(1), PatchError::NoSuchField),
        ("replace", "/steps/0/limits/disk_bytes", json!(1), PatchError::NoSuchField),
        ("replace", "", json!({}), PatchError::NoSuchField),
        ("remove", "/require/0", Value::Null, PatchError::NoSuchField),
        ("replace", "/require/-", json!("x"), PatchError::InvalidValue),
        ("remove", "/limits/disk_bytes", Value::Null, PatchError::InvalidValue),
        ("replace", "/steps/0/limits/pids", json!("5"), PatchError::InvalidValue),
        ("replace", "/steps/0/limits/pids", json!(-5), PatchError::InvalidValue),
        ("add", "/labels/k", json!(5), PatchError::InvalidValue),
        ("replace", "/labels/none", json!("v"), PatchError::InvalidValue),
        ("add", "labels/k", json!("v"), PatchError::NoSuchField),
        ("test", "/labels/k", json!("v"), PatchError::InvalidValue),
        ("replace", "/steps/0/limits/pids", json!(1_u64 << 40), PatchError::LoosensIsolation),
        ("replace", "/steps/0/profile", json!("build"), PatchError::LoosensIsolation),
    ] {
        let mut draft = draft(json!({ "command": ["a"] }));
        let text = json!({ "op": op, "path": path, "value": value }).to_string();
        assert_eq!(draft.json_op(&rights("p"), &text), Err(error), "{text}");
        assert!(!draft.is_changed(), "{text}");
        assert_eq!(draft.patch().1.len(), 1, "{text}");
    }
}

#[test]
fn what_is_no_operation_is_refused() {
    let mut draft = two();
    for text in ["", "[]", "{}", r#"{"op":"add"}"#, r#"{"op":"explode","path":"/labels/k","value":"v"}"#] {
        assert_eq!(draft.json_op(&rights("p"), text), Err(PatchError::InvalidValue), "{text}");
        assert!(draft.is_malformed(), "{text}");
        draft.rewind();
        assert!(!draft.is_malformed(), "nobody else's");
    }
    let moves = r#"{"op":"move","path":"/labels/k","from":"/labels/l"}"#;
    assert!(draft.json_op(&rights("p"), moves).is_err() && !draft.is_malformed(), "one, that is not allowed");
    draft.rewind();
    for _ in 0..100 {
        assert!(draft.json_op(&rights("p"), "").is_err());
    }
    assert_eq!(draft.patch().1.len(), 64, "the record has an end");
}

#[test]
fn what_one_call_changes_has_bounds() {
    let mut draft = two();
    for n in 0..1024 {
        draft.set_label(&rights("p"), &n.to_string(), Some("v")).expect("room");
    }
    assert_eq!(draft.set_label(&rights("p"), "more", Some("v")), Err(PatchError::InvalidValue));
    let mut draft = two();
    let large = "x".repeat(127 << 10);
    draft.set_env(&rights("p"), "A", Some(&large)).expect("twice 127 KiB");
    assert_eq!(draft.set_env(&rights("p"), "B", Some(&large)), Err(PatchError::InvalidValue));
    assert_eq!(draft.pending(), 2);
}
