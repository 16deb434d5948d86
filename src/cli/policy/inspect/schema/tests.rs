use serde_json::json;

use super::{ROWS_MAX, table_of};

#[test]
fn each_setting_has_a_line() {
    let schema = json!({
        "type": "object",
        "required": ["max_memory_bytes"],
        "properties": {
            "max_memory_bytes": { "type": "integer", "description": "The most\n  memory, in bytes." },
            "mode": { "enum": ["deny", "warn"], "default": "deny" },
            "images": { "type": "array", "items": { "type": "string" }, "default": [] },
            "odd": true
        }
    });
    assert_eq!(
        table_of(&schema),
        r#"SETTING           TYPE             DEFAULT   DESCRIPTION
images            array of string  []
max_memory_bytes  integer          required  The most memory, in bytes.
mode              "deny" | "warn"  "deny"
odd               any              -
"#
    );
}

#[test]
fn what_is_nested_or_referred_to_is_shown_in_its_place() {
    let schema = json!({
        "$defs": { "cap": { "type": "object", "description": "A cap.", "properties": { "bytes": { "type": ["integer", "null"] } } } },
        "properties": {
            "tenants": { "type": "object", "additionalProperties": { "$ref": "#/$defs/cap" } },
            "total": { "$ref": "#/$defs/cap", "description": "Of all." },
            "lost": { "$ref": "#/$defs/none" }
        }
    });
    let table = table_of(&schema);
    let line =
        |start: &str| table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{table}"));
    assert!(line("tenants.*.bytes").contains("integer | null"));
    assert!(line("total ").ends_with("Of all."));
    assert!(line("total.bytes").contains("integer | null"));
    assert!(line("lost").contains("any"));
}

#[test]
fn a_schema_that_contains_itself_ends() {
    let properties: serde_json::Map<_, _> =
        (0..50).map(|n| (format!("p{n}"), json!({ "$ref": "#" }))).collect();
    let table = table_of(&json!({ "type": "object", "properties": properties }));
    assert_eq!(table.lines().count(), ROWS_MAX + 1);
    assert!(table_of(&json!({ "items": { "$ref": "#" } })).starts_with("settings: none"));
}

#[test]
fn a_schema_of_nothing_says_so() {
    assert_eq!(table_of(&json!({})), "settings: none are described\n");
}
