use std::collections::BTreeMap;
use std::sync::Arc;

use model::Hook;
use serde_json::json;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use super::{Hooks, Policy, Set, glob_match};
use crate::ahead::{Maker, Stock};
use crate::bundle::Matcher;
use crate::testing::{self, job};
use crate::told::Told;

/// Without hooks, and asked about the jobs that `matcher` names.
fn policy(matcher: Matcher) -> Policy {
    let engine = Engine::default();
    let empty = Component::new(&engine, b"\0asm\x0d\0\x01\0").expect("an empty component");
    let pre = Linker::new(&engine).instantiate_pre(&empty).expect("it needs nothing");
    testing::loaded(pre, Hooks::default(), matcher)
}

fn globs(globs: &[&str]) -> Vec<String> {
    globs.iter().map(|&glob| glob.to_owned()).collect()
}

fn labels(glob: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("team".to_owned(), glob.to_owned())])
}

/// Whether it is asked about a job of `acme` with the label team=red and the profiles `default` and `strict`.
fn matches(matcher: Matcher) -> bool {
    let steps = json!([{ "command": ["a"] }, { "command": ["b"], "profile": "strict" }]);
    policy(matcher).matches(&job(json!({ "steps": steps, "labels": { "team": "red" } })), "acme")
}

#[test]
fn no_condition_matches_all() {
    assert!(matches(Matcher::default()));
}

#[test]
fn one_of_a_list_is_enough() {
    let tenants = |list: &[&str]| matches(Matcher { tenants: Some(globs(list)), ..Matcher::default() });
    assert!(tenants(&["other", "ac*"]));
    assert!(!tenants(&["other", "acm"]));
    assert!(!tenants(&[]));
    let images = |list: &[&str]| matches(Matcher { images: Some(globs(list)), ..Matcher::default() });
    assert!(images(&["host"]) && !images(&["docker.io/*"]));
    let networks = |list: &[&str]| matches(Matcher { networks: Some(globs(list)), ..Matcher::default() });
    assert!(networks(&["none"]) && !networks(&["full", "allow"]));
}

#[test]
fn the_profile_of_any_step_counts() {
    let profiles = |list: &[&str]| matches(Matcher { profiles: Some(globs(list)), ..Matcher::default() });
    assert!(profiles(&["strict"]) && profiles(&["default"]));
    assert!(!profiles(&["build"]));
}

#[test]
fn labels_must_be_there_and_must_not() {
    let with = |glob: &str| matches(Matcher { labels: labels(glob), ..Matcher::default() });
    assert!(with("red") && with("*") && !with("blue"));
    let without = |glob: &str| matches(Matcher { unless_labels: labels(glob), ..Matcher::default() });
    assert!(without("blue") && !without("red") && !without("*"));
    let absent = BTreeMap::from([("owner".to_owned(), "*".to_owned())]);
    assert!(!matches(Matcher { labels: absent.clone(), ..Matcher::default() }));
    assert!(matches(Matcher { unless_labels: absent, ..Matcher::default() }));
}

#[test]
fn all_conditions_must_hold() {
    let both = |tenant: &str, team: &str| {
        matches(Matcher { tenants: Some(globs(&[tenant])), labels: labels(team), ..Matcher::default() })
    };
    assert!(both("acme", "red"));
    assert!(!both("acme", "blue") && !both("other", "red"));
}

#[test]
fn a_star_is_anything_and_all_else_is_itself() {
    for (glob, text) in [
        ("", ""),
        ("*", ""),
        ("*", "a/b:c"),
        ("a", "a"),
        ("a*", "a"),
        ("*a", "ba"),
        ("a*c", "a/b/c"),
        ("a*b*c", "a--b--b--c"),
        ("**", "x"),
        ("*ab", "aab"),
        ("docker.io/*:1.*", "docker.io/library/x:1.2"),
        ("ä*", "äö"),
    ] {
        assert!(glob_match(glob, text), "{glob} and {text}");
    }
    for (glob, text) in [
        ("", "a"),
        ("a", ""),
        ("a", "ab"),
        ("a*a", "a"),
        ("ab*bc", "abc"),
        ("a*b*b", "ab"),
        ("*a", "ab"),
        ("?", "a"),
        ("[a]", "a"),
        ("{a,b}", "a"),
        ("A", "a"),
    ] {
        assert!(!glob_match(glob, text), "{glob} and {text}");
    }
}

#[test]
fn who_lacks_the_hook_is_not_asked() {
    let set = Set {
        generation: 1,
        bundle: None,
        loaded_at: jiff::Timestamp::UNIX_EPOCH,
        policies: vec![Arc::new(policy(Matcher::default()))],
        stock: Arc::new(Stock::new(&Maker::new(), [])),
        told: Told::default(),
    };
    assert_eq!(set.at(Hook::Mutation).count(), 0);
    assert!(set.policies[0].hooks.names().is_empty());
}
