//! The smallest changes there are, each with its inverse.

use model::{JobSpec, PatchOp, pointer};
use serde_json::Value;

/// A field's value before and after; `None` where it is not there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) field: Field,
    pub(crate) before: Option<Content>,
    pub(crate) after: Option<Content>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Limit {
        step: usize,
        name: &'static str,
    },
    /// The job's one limit that is no step's.
    Disk,
    Env {
        step: usize,
        name: String,
    },
    Label(String),
    Profile {
        step: usize,
    },
    /// At the end of the list.
    Require,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    Number(u64),
    /// Exact, so that a change taken back leaves no trace; policies count in thousandths.
    Cpus(f64),
    Text(String),
}

impl Field {
    pub(crate) fn pointer(&self) -> String {
        match self {
            Self::Limit { step, name } => pointer(["steps", &step.to_string(), "limits", name]),
            Self::Disk => pointer(["limits", "disk_bytes"]),
            Self::Env { step, name } => pointer(["steps", &step.to_string(), "env", name]),
            Self::Label(key) => pointer(["labels", key]),
            Self::Profile { step } => pointer(["steps", &step.to_string(), "profile"]),
            Self::Require => pointer(["require", "-"]),
        }
    }
}

impl Change {
    /// Values of environment variables are nobody's business but the job's and those policies' that may read them.
    pub(crate) fn as_op(&self) -> PatchOp {
        let op = match (&self.before, &self.after) {
            (None, _) => "add",
            (Some(_), None) => "remove",
            (Some(_), Some(_)) => "replace",
        };
        let hidden = matches!(self.field, Field::Env { .. });
        let value = self.after.as_ref().map(|content| if hidden { Value::Null } else { content.to_json() });
        PatchOp { op: op.into(), path: self.field.pointer(), value }
    }

    /// What it holds of text, both ways.
    pub(crate) fn bytes(&self) -> usize {
        let text = |content: &Option<Content>| match content {
            Some(Content::Text(text)) => text.len(),
            Some(Content::Number(_) | Content::Cpus(_)) | None => 0,
        };
        let name = match &self.field {
            Field::Env { name, .. } | Field::Label(name) => name.len(),
            Field::Limit { .. } | Field::Disk | Field::Profile { .. } | Field::Require => 0,
        };
        name + text(&self.before) + text(&self.after)
    }

    pub(crate) fn inverse(self) -> Self {
        Self { field: self.field, before: self.after, after: self.before }
    }

    pub(crate) fn apply(&self, spec: &mut JobSpec) {
        match (&self.field, &self.after) {
            (Field::Limit { step, name }, Some(Content::Number(value))) => {
                spec.steps[*step].limits.set_by_name(name, *value);
            }
            (Field::Limit { step, .. }, Some(Content::Cpus(cpus))) => spec.steps[*step].limits.cpus = *cpus,
            (Field::Disk, Some(Content::Number(value))) => {
                spec.disk_bytes = *value;
                for step in &mut spec.steps {
                    step.limits.disk_bytes = *value;
                }
            }
            (Field::Profile { step }, Some(Content::Text(name))) => {
                spec.steps[*step].profile.clone_from(name);
            }
            (Field::Env { step, name }, after) => put(&mut spec.steps[*step].env, name, after.as_ref()),
            (Field::Label(key), after) => put(&mut spec.labels, key, after.as_ref()),
            (Field::Require, Some(Content::Text(layer))) => spec.require.push(layer.clone()),
            (Field::Require, _) => {
                spec.require.pop();
            }
            (Field::Limit { .. } | Field::Disk | Field::Profile { .. }, _) => {
                unreachable!("a field that is always there has content of its own kind")
            }
        }
    }
}

fn put(map: &mut std::collections::BTreeMap<String, String>, key: &str, after: Option<&Content>) {
    match after {
        Some(Content::Text(text)) => {
            map.insert(key.to_owned(), text.clone());
        }
        Some(Content::Number(_) | Content::Cpus(_)) | None => {
            map.remove(key);
        }
    }
}

impl Content {
    fn to_json(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Cpus(cpus) => (*cpus).into(),
            Self::Text(text) => text.as_str().into(),
        }
    }
}
