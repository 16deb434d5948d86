//! The config of a committed image: its base's, with what it does not know left as it is.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Error;
use crate::store::documents::parse;

/// What is to be different in the config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// Added, or in place of those of the same name.
    pub env: Vec<(String, String)>,
    pub labels: Vec<(String, String)>,
    pub entrypoint: Option<Vec<String>>,
    pub command: Option<Vec<String>>,
    pub user: Option<String>,
    pub workdir: Option<String>,
}

/// `base` with one layer more.
pub(super) fn changed(
    base: &[u8],
    diff_id: &str,
    setting: &Setting,
    (now, comment): (Timestamp, Option<&str>),
) -> Result<Vec<u8>, Error> {
    let mut config: Map<String, Value> = parse("the config of an image", base)?;
    let now = now.to_string();
    config.insert("created".into(), json!(now));
    let rootfs = config.get_mut("rootfs").and_then(|rootfs| rootfs.get_mut("diff_ids"));
    let diff_ids = rootfs.and_then(Value::as_array_mut);
    diff_ids.ok_or_else(|| Error::malformed("a config without diff_ids"))?.push(json!(diff_id));
    let mut entry = json!({ "created": now, "created_by": "stockade image commit" });
    if let Some(comment) = comment {
        entry["comment"] = json!(comment);
    }
    list(&mut config, "history").push(entry);
    set(object(&mut config, "config"), setting);
    serde_json::to_vec(&config).map_err(|error| Error::Internal(error.to_string()))
}

fn set(run: &mut Map<String, Value>, setting: &Setting) {
    let Setting { env, labels, entrypoint, command, user, workdir } = setting;
    for (name, value) in env {
        let all = list(run, "Env");
        let of_name = |entry: &Value| {
            entry.as_str().and_then(|entry| entry.split_once('=')).map(|(name, _)| name.to_owned())
        };
        all.retain(|entry| of_name(entry).as_deref() != Some(name));
        all.push(json!(format!("{name}={value}")));
    }
    for (name, value) in labels {
        object(run, "Labels").insert(name.clone(), json!(value));
    }
    let given = [
        ("Entrypoint", entrypoint.as_ref().map(|words| json!(words))),
        ("Cmd", command.as_ref().map(|words| json!(words))),
        ("User", user.as_ref().map(|user| json!(user))),
        ("WorkingDir", workdir.as_ref().map(|workdir| json!(workdir))),
    ];
    run.extend(given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
}

/// What is there and is none, `null` as Docker writes it, is replaced.
fn list<'a>(of: &'a mut Map<String, Value>, name: &str) -> &'a mut Vec<Value> {
    let value = of.entry(name).or_insert(Value::Null);
    if !value.is_array() {
        *value = json!([]);
    }
    match value {
        Value::Array(list) => list,
        _ => unreachable!("it has been made one"),
    }
}

fn object<'a>(of: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = of.entry(name).or_insert(Value::Null);
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(object) => object,
        _ => unreachable!("it has been made one"),
    }
}
