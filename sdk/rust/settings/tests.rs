use std::collections::BTreeMap;

use serde::Deserialize;

use super::{check, parse};
use crate::{Policy, SettingsError};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    name: String,
    #[serde(default)]
    count: Option<u32>,
    #[serde(default)]
    share: f64,
    #[serde(default)]
    flags: Vec<bool>,
    #[serde(default)]
    by_tenant: BTreeMap<String, Inner>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    offset: i64,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Inner {
    limit: u64,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    #[default]
    Plain,
    Sized(u8),
    Both {
        a: u8,
        b: String,
    },
    Pair(u8, u8),
}

impl Policy for Settings {
    fn check(&self) -> Vec<SettingsError> {
        if self.count == Some(0) { vec![SettingsError::new("/count", "is 0")] } else { vec![] }
    }
}

fn read(text: &str) -> Settings {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> (String, String) {
    let error = parse::<Settings>(text).expect_err(text);
    (error.pointer().into(), error.message().into())
}

#[test]
fn everything_that_serde_asks_for_is_read() {
    let all = read(
        r#" { "name" : "a\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00é", "count": 7, "share": -1.5e1, "flags": [true , false],
             "by_tenant": {"a\/b": {"limit": 18446744073709551615}}, "kind": {"both": {"a": 1, "b": "x"}}, "offset": -9223372036854775808 } "#,
    );
    assert_eq!(all.name, "a\"\\/\u{8}\u{c}\n\r\tAé😀é");
    assert_eq!((all.count, all.share, all.offset), (Some(7), -15.0, i64::MIN));
    assert_eq!(all.flags, [true, false]);
    assert_eq!(all.by_tenant["a/b"].limit, u64::MAX);
    assert_eq!(all.kind, Kind::Both { a: 1, b: "x".into() });
    assert_eq!(read(r#"{"kind": "plain", "count": null}"#), read("{}"));
    assert_eq!(read(r#"{"kind": {"sized": 3}}"#).kind, Kind::Sized(3));
    assert_eq!(read(r#"{"kind": {"pair": [1, 2]}}"#).kind, Kind::Pair(1, 2));
}

#[test]
fn it_reads_what_serde_json_reads() {
    for text in [
        "{}",
        "{ }",
        "",
        "{",
        "}",
        "{}}",
        "{} x",
        "{\"name\"}",
        "{\"name\":}",
        "{\"name\":\"a\",}",
        "{,}",
        "{\"name\":\"\\x\"}",
        "{\"name\":\"\\u12\"}",
        "{\"name\":\"\\ud800\"}",
        "{\"name\":\"\\ud800\\u0041\"}",
        "{\"name\":\"\\u+123\"}",
        "{\"name\":\"\n\"}",
        "{\"name\":\"a",
        "{\"name\":\"\\",
        "{\"count\":01}",
        "{\"count\":1.0}",
        "{\"count\":1e2}",
        "{\"count\":-1}",
        "{\"count\":4294967296}",
        "{\"count\":+1}",
        "{\"share\":1.}",
        "{\"share\":.5}",
        "{\"share\":1e}",
        "{\"share\":1e400}",
        "{\"share\":0.1}",
        "{\"share\":3}",
        "{\"share\":1E+2}",
        "{\"offset\":9223372036854775808}",
        "{\"offset\":-9223372036854775809}",
        "{\"flags\":[true,]}",
        "{\"flags\":[,]}",
        "{\"flags\":[true false]}",
        "{\"flags\":[tru]}",
        "{\"flags\":[1]}",
        "{\"kind\":\"none\"}",
        "{\"kind\":{}}",
        "{\"kind\":{\"sized\":1,\"x\":1}}",
        "{\"kind\":{\"sized\":300}}",
        "{\"kind\":{\"pair\":[1]}}",
        "{\"kind\":{\"pair\":[1,2,3]}}",
        "{\"by_tenant\":{\"a\":{}}}",
        "{\"by_tenant\":{\"a\":{\"limit\":1},\"b\":{\"limit\":2}}}",
        "{\"name\":\"a\",\"name\":\"b\"}",
        "{\"nam\":1}",
        "null",
        "true",
        "{\"name\":null}",
        "\u{feff}{}",
        "{\"name\":\"\u{7f}\"}",
        "{\"count\":-}",
        "\0",
        "{}\0",
    ] {
        let (ours, theirs) = (parse::<Settings>(text).ok(), serde_json::from_str::<Settings>(text).ok());
        assert_eq!(ours, theirs, "{text:?}");
    }
}

#[test]
fn an_error_says_where_and_what() {
    let of = |text: &str| refused(text);
    assert_eq!(of(r#"{"count": "7"}"#), ("/count".into(), "expected u32, found a string".into()));
    assert_eq!(of(r#"{"count": 1.5}"#), ("/count".into(), "expected u32, found 1.5".into()));
    assert_eq!(of(r#"{"count": 4294967296}"#), ("/count".into(), "expected u32, found 4294967296".into()));
    assert_eq!(
        of(r#"{"flags": [true, 1]}"#),
        ("/flags/1".into(), "expected a boolean, found a number".into())
    );
    assert_eq!(of(r#"{"by_tenant": {"a/b": {"limit": true}}}"#).0, "/by_tenant/a~1b/limit");
    assert_eq!(of(r#"{"by_tenant": {"a": {}}}"#), ("/by_tenant/a".into(), "missing field `limit`".into()));
    assert_eq!(of(r#"{"kind": {"both": {"a": "x"}}}"#).0, "/kind/both/a");
    let (pointer, message) = of(r#"{"colour": 1}"#);
    assert_eq!(pointer, "/colour");
    assert!(message.starts_with("unknown field `colour`, expected one of `name`"), "{message}");
    assert_eq!(of("{\"name\": x}").1, "not JSON at byte 9");
    let deep = "[".repeat(100_000);
    assert_eq!(refused(&format!("{{\"by_tenant\": {deep}")).0, "/by_tenant");
}

#[test]
fn no_prefix_of_settings_panics() {
    let text = r#"{"name": "é\ud83d\ude00", "count": -1.5e+10, "flags": [true], "kind": {"both": {"a": 1}}}"#;
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(parse::<Settings>(&text[..end]).is_err());
    }
}

#[test]
fn the_policys_own_check_comes_last() {
    assert_eq!(check::<Settings>(r#"{"count": 0}"#), [SettingsError::new("/count", "is 0")]);
    assert_eq!(check::<Settings>(r#"{"count": 1}"#), []);
    assert_eq!(check::<Settings>(r#"{"count": []}"#).len(), 1);
}
