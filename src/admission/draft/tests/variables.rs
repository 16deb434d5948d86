use serde_json::{Value, json};

use super::*;

#[test]
fn values_of_variables_are_in_no_patch() {
    let mut draft =
        draft(json!({ "steps": [{ "command": ["a"], "env": { "OLD": "SECRET" } }, { "command": ["b"] }] }));
    draft.set_env(&rights("p"), "NEW/1", Some("SECRET")).expect("allowed");
    draft.set_env(&rights("p"), "OLD", None).expect("allowed");
    assert!(
        draft.spec().steps.iter().all(|step| step.env["NEW/1"] == "SECRET" && !step.env.contains_key("OLD"))
    );
    let ops = ops(&mut draft);
    assert!(!ops.to_string().contains("SECRET"), "{ops}");
    assert_eq!(
        ops,
        json!([
            { "op": "add", "path": "/steps/0/env/NEW~11", "value": null },
            { "op": "add", "path": "/steps/1/env/NEW~11", "value": null },
            { "op": "remove", "path": "/steps/0/env/OLD" },
        ])
    );
}

#[test]
fn no_variable_that_a_job_could_not_have() {
    let mut draft = two();
    let long = "x".repeat(128 << 10);
    for (name, value) in [("", "v"), ("A=B", "v"), ("A\0", "v"), ("A", "v\0"), ("A", &long), (&long, "v")] {
        assert_eq!(draft.set_env(&rights("p"), name, Some(value)), Err(PatchError::InvalidValue));
    }
    assert!(!draft.is_changed());
}

/// Cases are run over the environment of their step.
fn cases() -> Draft {
    let case = |env: Value| json!({ "env": env });
    draft(json!({ "steps": [
        { "command": ["a"], "env": { "A": "SECRET" }, "cases": [case(json!({ "A": "SECRET 1", "B": "b" })), case(json!({}))] },
        { "command": ["b"], "cases": [case(json!({ "A": "SECRET 2" }))] },
    ]}))
}

#[test]
fn what_is_changed_is_no_cases_to_change_back() {
    for value in [None, Some("policy's")] {
        let mut draft = cases();
        let before = draft.spec().clone();
        draft.set_env(&rights("p"), "A", value).expect("allowed");
        for step in &draft.spec().steps {
            for case in &step.cases {
                assert_eq!(step.of_case(case).env.get("A").map(String::as_str), value, "{case:?}");
            }
        }
        assert_eq!(draft.spec().steps[0].cases[0].env["B"], "b", "another variable");
        let pending = draft.pending();
        draft.set_env(&rights("p"), "A", value).expect("nothing to do");
        assert_eq!(draft.pending(), pending);
        draft.discard();
        assert_eq!(draft.spec(), &before);
    }
}

#[test]
fn what_cases_have_lost_is_in_the_patch() {
    let mut draft = cases();
    draft.set_env(&rights("p"), "A", Some("SECRET")).expect("allowed");
    let expected = json!([
        { "op": "remove", "path": "/steps/0/cases/0/env/A" },
        { "op": "add", "path": "/steps/1/env/A", "value": null },
        { "op": "remove", "path": "/steps/1/cases/0/env/A" },
    ]);
    assert_eq!(ops(&mut draft), expected);
}
