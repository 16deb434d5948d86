//! The settings in force, one by one, for who wonders what they are and why.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use journal::Durability;
use schemars::Schema;
use toml::{Table, Value};

use super::Config;
use super::service::CPU_OVERCOMMIT;
use crate::listen;
use crate::machine::Machine;
use crate::settings::{
    ConfigError, Layers, LimitsSettings, Origin, RetentionSettings, Settings, TenantSettings,
};
use crate::state::state_dir_name;

/// One setting in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// As in TOML, with dots between tables: `limits.cap.pids`.
    pub key: String,
    /// `None` where nothing is set and nothing is built in. Secrets are covered.
    pub value: Option<Value>,
    pub origin: Origin,
}

/// Those that [`Config::load`] makes of the same sources, sorted by key.
pub fn shown(file: Option<&Path>, flags: &Settings) -> Result<Vec<Shown>, ConfigError> {
    of_layers(&Layers::read(file, flags)?, &Machine::read())
}

pub(super) fn of_layers(layers: &Layers, machine: &Machine) -> Result<Vec<Shown>, ConfigError> {
    let merged = layers.merged();
    let config = Config::resolve(merged.clone(), machine)?;
    let table = Table::try_from(merged.over(&config.built_in()));
    let Ok(table) = table else { unreachable!("settings are plain TOML values") };
    let mut all = BTreeMap::new();
    leaves(&mut Vec::new(), &table, &mut |path, value| {
        let shown = Shown { key: name(path), value: Some(covered(path, value)), origin: layers.origin(path) };
        all.insert(shown.key.clone(), shown);
    });
    for key in unset(&schema(), &table) {
        all.entry(key.clone()).or_insert(Shown { key, value: None, origin: Origin::Default });
    }
    Ok(all.into_values().collect())
}

/// Of the settings file, as a JSON schema (draft 2020-12).
pub fn schema() -> Schema {
    schemars::schema_for!(Settings)
}

impl Config {
    /// What stands where nothing was said. What was said stands above it.
    fn built_in(&self) -> Settings {
        let (service, retention) = (&self.service, &self.service.retention);
        Settings {
            listen: Some(vec![listen::DEFAULT.into()]),
            allow_plaintext: Some(false),
            state_dir: state_dir_name(self).ok(),
            host_paths: Some(Vec::new()),
            allow_degraded: Some(BTreeSet::new()),
            limits: LimitsSettings { default: (&self.defaults).into(), cap: (&self.caps).into() },
            max_running: Some(service.capacity.slots),
            max_queued: Some(service.capacity.max_queued),
            memory_bytes: Some(service.capacity.memory_bytes),
            cpu_overcommit: Some(CPU_OVERCOMMIT),
            tenant_defaults: TenantSettings { weight: Some(1), ..TenantSettings::default() },
            retention: RetentionSettings {
                max_age_s: retention.max_age.map(|age| age.as_secs()),
                max_bytes: Some(retention.max_bytes),
                max_blob_bytes: Some(retention.max_blob_bytes),
                blob_grace_s: Some(retention.blob_grace.as_secs()),
                keep_free_bytes: Some(retention.keep_free_bytes),
            },
            durability: Some(match service.durability {
                Durability::Process => "process".into(),
                Durability::Power => "power".into(),
            }),
            callback_allow: Some(Vec::new()),
            volume_bytes: Some(self.volume_bytes),
            max_blob_bytes: Some(service.max_blob_bytes),
            max_body_bytes: Some(self.max_body_bytes),
            allowed_hosts: Some(Vec::new()),
            policy_cache: self.policy_cache.clone(),
            log: Some(self.log.clone()),
            log_format: Some(self.log_format),
            ..Settings::default()
        }
    }
}

fn leaves(path: &mut Vec<String>, table: &Table, tell: &mut dyn FnMut(&[String], &Value)) {
    for (key, value) in table {
        path.push(key.clone());
        match value {
            Value::Table(below) => leaves(path, below, tell),
            value => tell(path, value),
        }
        path.pop();
    }
}

/// The settings that have no value, and of which no part has one.
fn unset(schema: &Schema, table: &Table) -> Vec<String> {
    let properties = schema.get("properties").and_then(|all| all.as_object());
    let names = properties.into_iter().flat_map(|all| all.keys());
    let empty = |value: &Value| value.as_table().is_some_and(Table::is_empty);
    names.filter(|name| table.get(name.as_str()).is_none_or(empty)).map(|name| quoted(name)).collect()
}

fn name(path: &[String]) -> String {
    path.iter().map(|key| quoted(key)).collect::<Vec<_>>().join(".")
}

/// TOML's bare keys stay as they are.
fn quoted(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.into() } else { Value::from(key).to_string() }
}

/// Files and names are no secrets; what these names hold is, and what a URL has before its host.
fn covered(path: &[String], value: &Value) -> Value {
    const SECRET: [&str; 4] = ["secret", "token", "password", "headers"];
    const COVER: &str = "***";
    let key = path.last().map(|key| key.to_ascii_lowercase()).unwrap_or_default();
    match value {
        _ if SECRET.iter().any(|word| key.contains(word)) => COVER.into(),
        Value::String(text) => without_user(text, COVER).into(),
        Value::Array(all) => all.iter().map(|value| covered(path, value)).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}

fn without_user(text: &str, cover: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{cover}{}", &rest[at..]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests;
