//! The config of a committed image: its base's, with what it does not know left as it is.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::store::documents::parse;

/// `base` with one layer more.
pub(super) fn changed(base: &[u8], diff_id: &str, now: Timestamp) -> Result<Vec<u8>, Error> {
    let mut config: Map<String, Value> = parse("the config of an image", base)?;
    let now = now.to_string();
    config.insert("created".into(), json!(now));
    let rootfs = config.get_mut("rootfs").and_then(|rootfs| rootfs.get_mut("diff_ids"));
    let diff_ids = rootfs.and_then(Value::as_array_mut);
    diff_ids.ok_or_else(|| Error::malformed("a config without diff_ids"))?.push(json!(diff_id));
    history(&mut config).push(json!({ "created": now, "created_by": "stockade image commit" }));
    serde_json::to_vec(&config).map_err(|error| Error::Internal(error.to_string()))
}

/// What is there and is none, `null` as Docker writes it, is replaced.
fn history(config: &mut Map<String, Value>) -> &mut Vec<Value> {
    let value = config.entry("history").or_insert(Value::Null);
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("it has been made one"),
    }
}
