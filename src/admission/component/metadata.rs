//! What a policy says about itself: a custom section of the component, so that nothing has to run to read it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::CustomSectionReader;

use super::sections::{self, sections};

pub const SECTION: &str = "stockade:policy";
const NAME_MAX: usize = 64;
const TEXT_MAX: usize = 1024;

/// The order of the fields is that of the section.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Metadata {
    /// `[a-z0-9-]{1,64}`.
    pub name: String,
    pub version: String,
    pub description: String,
    #[serde(default)]
    pub homepage: Option<String>,
    /// Counters that the policy may increment, `[a-z0-9_]{1,64}`.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// JSON Schema of the settings.
    #[serde(default)]
    pub settings_schema: Option<Value>,
}

#[derive(Debug, Error)]
pub enum MetadataError {
    #[error("not the JSON that it should be")]
    Json(#[from] serde_json::Error),
    #[error("there is more than one")]
    Twice,
    #[error("the name `{0}` is not of a-z, 0-9 and -, 1 to {NAME_MAX} characters")]
    Name(String),
    #[error("the metric `{0}` is not of a-z, 0-9 and _, 1 to {NAME_MAX} characters")]
    Metric(String),
    #[error("`{0}` is empty, longer than {TEXT_MAX} bytes or holds a control character")]
    Text(&'static str),
    #[error("the settings schema is not a JSON object")]
    Schema,
}

impl Metadata {
    /// Whoever wrote it is not trusted: names become labels of metrics, texts go to a terminal.
    pub fn check(&self) -> Result<(), MetadataError> {
        if !is_policy_name(&self.name) {
            return Err(MetadataError::Name(self.name.escape_default().to_string()));
        }
        let homepage = self.homepage.as_deref().map(|text| ("homepage", text));
        let texts = [("version", self.version.as_str()), ("description", &self.description)];
        if let Some((key, _)) = texts.into_iter().chain(homepage).find(|(_, text)| !is_text(text)) {
            return Err(MetadataError::Text(key));
        }
        if let Some(metric) = self.metrics.iter().find(|metric| !is_metric_name(metric)) {
            return Err(MetadataError::Metric(metric.escape_default().to_string()));
        }
        match self.settings_schema {
            None | Some(Value::Object(_)) => Ok(()),
            Some(_) => Err(MetadataError::Schema),
        }
    }
}

/// Of a policy in its own metadata and in a bundle.
pub fn is_policy_name(name: &str) -> bool {
    is_name(name, b'-')
}

fn is_metric_name(name: &str) -> bool {
    is_name(name, b'_')
}

fn is_name(name: &str, joint: u8) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == joint;
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

fn is_text(text: &str) -> bool {
    (1..=TEXT_MAX).contains(&text.len()) && !text.contains(char::is_control)
}

/// The metadata of a component whose sections are well-formed; none where it has none.
pub fn read(component: &[u8]) -> Result<Option<Metadata>, MetadataError> {
    let json = match named(component)[..] {
        [] => return Ok(None),
        [(_, json)] => json,
        _ => return Err(MetadataError::Twice),
    };
    let metadata: Metadata = serde_json::from_slice(json)?;
    metadata.check()?;
    Ok(Some(metadata))
}

/// The component with this metadata at its end, in place of what it had.
pub fn write(component: &[u8], metadata: &Metadata) -> Result<Vec<u8>, MetadataError> {
    metadata.check()?;
    let metadata =
        Metadata { settings_schema: metadata.settings_schema.clone().map(sorted), ..metadata.clone() };
    let json = serde_json::to_vec(&metadata)?;
    let mut written = Vec::with_capacity(component.len() + json.len() + SECTION.len() + 16);
    let mut rest = 0;
    for (old, _) in named(component) {
        written.extend_from_slice(&component[rest..old.start]);
        rest = old.end;
    }
    written.extend_from_slice(&component[rest..]);
    CustomSection { name: SECTION.into(), data: Cow::Owned(json) }.append_to_component(&mut written);
    Ok(written)
}

/// Every section of our name: where it is, and what it holds.
fn named(component: &[u8]) -> Vec<(Range<usize>, &[u8])> {
    let custom = |section: sections::Section| {
        if section.id != sections::CUSTOM {
            return None;
        }
        let reader = CustomSectionReader::new(section.reader(component)).ok()?;
        (reader.name() == SECTION).then(|| (section.whole, reader.data()))
    };
    sections(component).into_iter().flatten().filter_map(custom).collect()
}

/// Keys in one order, whichever map serde_json was built with: the same source must give the same bytes.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<_, _> = map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(map.into_iter().collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
