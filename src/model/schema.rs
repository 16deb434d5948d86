//! What a JSON Schema says beyond the types: the patterns and rules of [`crate::JobRequest::check`], as far as a schema can
//! say them. What depends on the host (caps, profiles, layers) it cannot.

use schemars::Schema;
use serde_json::{Value, json};

use crate::check::{MAX_ARGUMENT, MAX_LABEL};

pub(crate) const DIGEST: &str = "^sha256:[0-9a-f]{64}$";
/// RFC 4648 section 4, with padding and without stray bits.
pub(crate) const BASE64: &str =
    "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$";
/// Relative, without an empty, `.` or `..` part.
pub(crate) const RELATIVE: &str = r"^(?:[^/.\x00][^/\x00]*|\.[^/.\x00][^/\x00]*|\.\.[^/\x00]+)(?:/(?:[^/.\x00][^/\x00]*|\.[^/.\x00][^/\x00]*|\.\.[^/\x00]+))*$";
pub(crate) const ABSOLUTE: &str = r"^/[^\x00]*$";
pub(crate) const NO_NUL: &str = r"^[^\x00]*$";
pub(crate) const NAME: &str = "^[A-Za-z0-9_.-]+$";
pub(crate) const NO_CONTROL: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";
pub(crate) const OCTAL: &str = "^0?[0-7]{1,3}$";
pub(crate) const USER: &str = r"^[^:\x00]+(?::[^:\x00]+)?$";
pub(crate) const VOLUME: &str = "^[a-z0-9][a-z0-9_.-]{0,63}$";
pub(crate) const URL: &str = "^https?://[!-\"$-.0->@-~][!-~]*$";
pub(crate) const LARGEST_ARGUMENT: usize = MAX_ARGUMENT - 1;

/// Variables of an environment.
pub(crate) fn variables(schema: &mut Schema) {
    schema.insert("propertyNames".into(), json!({ "pattern": r"^[^=\x00]+$" }));
    let value = json!({ "type": "string", "pattern": NO_NUL, "maxLength": LARGEST_ARGUMENT });
    schema.insert("additionalProperties".into(), value);
}

pub(crate) fn labels(schema: &mut Schema) {
    schema.insert("propertyNames".into(), json!({ "minLength": 1, "maxLength": MAX_LABEL }));
    schema.insert("additionalProperties".into(), json!({ "type": "string", "maxLength": MAX_LABEL }));
}

/// The first is the program.
pub(crate) fn command(schema: &mut Schema) {
    let program =
        json!({ "type": "string", "minLength": 1, "maxLength": LARGEST_ARGUMENT, "pattern": NO_NUL });
    schema.insert("prefixItems".into(), json!([program]));
}

/// Of `text`, `base64` and `blob`.
pub(crate) fn one_source(schema: &mut Schema) {
    one_of(schema, &["text", "base64", "blob"]);
}

pub(crate) fn command_or_steps(schema: &mut Schema) {
    let command = json!({ "type": "array" });
    let short =
        json!({ "required": ["command"], "properties": { "command": command, "steps": { "maxItems": 0 } } });
    let nothing = json!({ "type": "null" });
    let long = json!({
        "required": ["steps"],
        "properties": { "steps": { "minItems": 1 }, "command": nothing, "stdin": nothing },
    });
    let image = json!({ "type": "string", "not": { "const": "host" } });
    let of_image = json!({
        "required": ["image"],
        "properties": { "image": image, "command": nothing, "steps": { "maxItems": 0 } },
    });
    schema.insert("oneOf".into(), json!([short, long, of_image]));
}

/// The disk is the job's, so only the job's own limits name it.
pub(crate) fn without_disk(schema: &mut Schema) {
    schema.insert("properties".into(), json!({ "disk_bytes": { "type": "null" } }));
}

fn one_of(schema: &mut Schema, names: &[&str]) {
    let alone = |name: &&str| {
        let others = names.iter().filter(|other| *other != name);
        let mut properties: serde_json::Map<_, _> =
            others.map(|other| ((*other).to_owned(), json!({ "type": "null" }))).collect();
        properties.insert((*name).to_owned(), json!({ "type": "string" }));
        json!({ "required": [name], "properties": properties })
    };
    schema.insert("oneOf".into(), names.iter().map(alone).collect::<Value>());
}
