use serde_json::{Value, json};

use super::{Metadata, SECTION, is_policy_name, read, write};
use crate::component::describe;
use crate::testing::{self, component};

#[test]
fn what_is_written_is_read_and_the_policy_stays_one() {
    let bare = component("validator");
    assert_eq!(read(&bare).expect("none is right"), None);
    let written = write(&bare, &testing::metadata()).expect("valid");
    assert_eq!(read(&written).expect("valid"), Some(testing::metadata()));
    assert_eq!(&written[..bare.len()], bare, "the component itself is untouched");
    describe(&written).expect("still a policy");
}

#[test]
fn writing_again_replaces() {
    let once = testing::policy("validator");
    assert_eq!(write(&once, &testing::metadata()).expect("valid"), once);
    let other = Metadata { version: "2.0.0".into(), ..testing::metadata() };
    let replaced = write(&once, &other).expect("valid");
    assert_eq!(read(&replaced).expect("one section"), Some(other.clone()));
    assert_eq!(replaced, write(&component("validator"), &other).expect("valid"));
}

#[test]
fn a_section_in_the_middle_is_replaced_too() {
    let other_section = b"\x00\x06\x05other".to_vec();
    let middle = [testing::policy("validator"), other_section.clone()].concat();
    let replaced = write(&middle, &testing::metadata()).expect("valid");
    let plain = [component("validator"), other_section].concat();
    assert_eq!(replaced, write(&plain, &testing::metadata()).expect("valid"));
}

#[test]
fn keys_have_one_order() {
    let schema = |text: &str| Some(serde_json::from_str::<Value>(text).expect("JSON"));
    let metadata = |schema| Metadata { settings_schema: schema, ..testing::metadata() };
    let one = metadata(schema(r#"{"type":"object","properties":{"b":{},"a":[{"y":1,"x":2}]}}"#));
    let other = metadata(schema(r#"{"properties":{"a":[{"x":2,"y":1}],"b":{}},"type":"object"}"#));
    let bare = component("validator");
    let written = write(&bare, &one).expect("valid");
    assert_eq!(written, write(&bare, &other).expect("valid"));
    let json = r#"{"name":"example","version":"1.2.3","description":"An example.","homepage":null,"metrics":["seen"],"settings_schema":{"properties":{"a":[{"x":2,"y":1}],"b":{}},"type":"object"}}"#;
    assert!(written.ends_with([SECTION, json].concat().as_bytes()));
}

#[test]
fn unknown_keys_of_a_later_version_are_passed_over() {
    let json = r#"{"name":"a","version":"1","description":"d","later":{}}"#;
    let metadata: Metadata = serde_json::from_str(json).expect("readable");
    assert_eq!((metadata.name.as_str(), metadata.metrics.len()), ("a", 0));
}

#[test]
fn what_could_harm_a_terminal_or_a_label_is_refused() {
    let good = testing::metadata();
    for (metadata, word) in [
        (Metadata { name: "Upper".into(), ..good.clone() }, "`Upper`"),
        (Metadata { name: String::new(), ..good.clone() }, "the name ``"),
        (Metadata { name: "\u{1b}".into(), ..good.clone() }, r"`\u{1b}`"),
        (Metadata { description: "\u{1b}[2J".into(), ..good.clone() }, "`description`"),
        (Metadata { homepage: Some("x".repeat(1025)), ..good.clone() }, "`homepage`"),
        (Metadata { metrics: vec!["a-b".into()], ..good.clone() }, "metric `a-b`"),
        (Metadata { settings_schema: Some(json!([])), ..good }, "settings schema"),
    ] {
        let error = write(&component("validator"), &metadata).expect_err("refused").to_string();
        assert!(error.contains(word), "{error}");
    }
}

#[test]
fn names_are_short_and_plain() {
    for name in ["a", "resource-limits", "0", "-", &"x".repeat(64)] {
        assert!(is_policy_name(name), "{name}");
    }
    for name in ["", "A", "a_b", "a.b", "a/b", "ä", " a", "../a", &"x".repeat(65)] {
        assert!(!is_policy_name(name), "{name}");
    }
}
