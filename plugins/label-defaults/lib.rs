#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

#[cfg(test)]
mod tests;

use stockade_policy::fmt::{cut, pointer};
use stockade_policy::prelude::*;
use stockade_policy::{glob, patch};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelDefaults {
    #[serde(default)]
    defaults: BTreeMap<String, String>,
    #[serde(default)]
    required: BTreeMap<String, Vec<String>>,
}

impl Policy for LabelDefaults {
    fn check(&self) -> Vec<SettingsError> {
        if self.defaults.is_empty() && self.required.is_empty() {
            return vec![SettingsError::new("", "does nothing: give `defaults` or `required`")];
        }
        let mut errors = Vec::new();
        for key in self.defaults.keys().filter(|key| key.is_empty()) {
            errors.push(SettingsError::new(pointer(&["defaults", key]), "a label needs a name"));
        }
        for (key, patterns) in &self.required {
            if key.is_empty() || patterns.is_empty() {
                let message = "no job could have this label; for any value give [\"**\"]";
                errors.push(SettingsError::new(pointer(&["required", key]), message));
            }
        }
        errors
    }
}

impl Mutate for LabelDefaults {
    fn mutate(&self, job: &Job) -> Verdict {
        for (key, value) in &self.defaults {
            if job.label(key).is_none() {
                patch::set_label(key, &filled(value, job))?;
            }
        }
        Ok(Notes::default())
    }
}

/// `{tenant}` and `{submitter}` stand for the job's own.
fn filled(value: &str, job: &Job) -> String {
    let mut text = value.to_owned();
    if text.contains("{tenant}") {
        text = text.replace("{tenant}", &job.tenant());
    }
    if text.contains("{submitter}") {
        text = text.replace("{submitter}", &job.submitter());
    }
    text
}

impl Validate for LabelDefaults {
    fn validate(&self, job: &Job) -> Verdict {
        for (key, patterns) in &self.required {
            let Some(value) = job.label(key) else {
                return Err(deny("label-missing", key, format!("label `{key}` is required")));
            };
            if !glob::matches_any(patterns, &value) {
                let message = format!(
                    "label `{key}` cannot be `{}`; allowed: {}",
                    cut(&value, 128),
                    cut(&patterns.join(", "), 512),
                );
                return Err(deny("label-not-allowed", key, message));
            }
        }
        Ok(Notes::default())
    }
}

fn deny(code: &str, key: &str, message: String) -> Denial {
    Denial::new(code, message).field(pointer(&["labels", key]))
}

stockade_policy::export!(LabelDefaults: mutation, validation);
stockade_policy::no_std!();
