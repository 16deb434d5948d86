//! What a case expects, held against the answer.

use std::collections::BTreeMap;

use super::ask::Answer;
use super::case::Expect;

/// In words for a person; empty where all is as expected.
pub(crate) fn problems(expect: &Expect, answer: &Answer) -> Vec<String> {
    let mut problems = Vec::new();
    let mut same = |what: &str, wanted: Option<&str>, got: Option<&str>| {
        if let Some(wanted) = wanted.filter(|wanted| got != Some(*wanted)) {
            problems.push(format!("{what}: expected {wanted:?}, got {}", shown(got)));
        }
    };
    same("verdict", Some(&expect.verdict), Some(answer.verdict));
    same("code", expect.code.as_deref(), answer.code.as_deref());
    same("field", expect.field.as_deref(), answer.field.as_deref());
    if let Some(part) = &expect.message
        && !answer.message.as_ref().is_some_and(|message| message.contains(part))
    {
        problems
            .push(format!("message: expected one with {part:?}, got {}", shown(answer.message.as_deref())));
    }
    if expect.retryable.is_some_and(|wanted| wanted != answer.retryable) {
        problems.push(format!("retryable: got {}", answer.retryable));
    }
    if let Some(wanted) = expect.patch.as_ref().filter(|wanted| **wanted != answer.patch) {
        problems.push(format!("patch: expected {}, got {}", json(wanted), json(&answer.patch)));
    }
    for part in expect.warnings.iter().flatten() {
        if !answer.warnings.iter().any(|warning| warning.contains(part)) {
            problems.push(format!("warnings: expected one with {part:?}, got {:?}", answer.warnings));
        }
    }
    if expect.warnings.as_ref().is_some_and(Vec::is_empty) && !answer.warnings.is_empty() {
        problems.push(format!("warnings: expected none, got {:?}", answer.warnings));
    }
    for (what, wanted, got) in [
        ("annotations", &expect.annotations, &answer.annotations),
        ("labels", &expect.labels, &answer.labels),
        ("kv", &expect.kv, &answer.kv),
    ] {
        problems.extend(missing(what, wanted, got));
    }
    // What went wrong is the first thing an author wants to know.
    if !problems.is_empty() && answer.verdict == "error" && expect.verdict != "error" {
        problems.push(format!("the policy failed: {}", shown(answer.message.as_deref())));
    }
    problems
}

fn missing(what: &str, wanted: &BTreeMap<String, String>, got: &BTreeMap<String, String>) -> Vec<String> {
    let differs = wanted.iter().filter(|(key, value)| got.get(*key) != Some(*value));
    differs
        .map(|(key, value)| {
            format!("{what}.{key}: expected {value:?}, got {}", shown(got.get(key).map(String::as_str)))
        })
        .collect()
}

fn shown(text: Option<&str>) -> String {
    text.map_or_else(|| "nothing".into(), |text| format!("{text:?}"))
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
