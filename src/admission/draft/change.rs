//! The smallest changes there are, each with its inverse.

use std::collections::BTreeMap;

use model::{CaseSpec, JobSpec, PatchOp, StepSpec, pointer};
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
    /// In the step and in all of its cases, which are run over the step's environment.
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
    Env(Variable),
}

/// One variable in a step, and in those of its cases that have a value of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Variable {
    pub(crate) own: Option<String>,
    pub(crate) cases: BTreeMap<usize, String>,
}

impl Variable {
    /// `None` where neither the step nor any of its cases has it.
    pub(crate) fn of(step: &StepSpec, name: &str) -> Option<Self> {
        let of_case = |(index, case): (usize, &CaseSpec)| Some((index, case.env.get(name)?.clone()));
        let cases: BTreeMap<_, _> = step.cases.iter().enumerate().filter_map(of_case).collect();
        let own = step.env.get(name).cloned();
        (own.is_some() || !cases.is_empty()).then_some(Self { own, cases })
    }
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
    pub(crate) fn ops(&self) -> Vec<PatchOp> {
        if let Field::Env { step, name } = &self.field {
            return self.of_variable(*step, name);
        }
        let value = self.after.as_ref().map(Content::to_json);
        vec![op(self.field.pointer(), self.before.is_some(), value)]
    }

    /// Values of environment variables are nobody's business but the job's and those policies' that may read them.
    fn of_variable(&self, step: usize, name: &str) -> Vec<PatchOp> {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        let own = |content: Option<&Content>| content.and_then(Content::own).map(str::to_owned);
        let (had, has) = (own(before), own(after));
        let changed = (had != has).then(|| op(self.field.pointer(), had.is_some(), has.map(|_| Value::Null)));
        let Some(Content::Env(Variable { cases, .. })) = before else { return changed.into_iter().collect() };
        let step = step.to_string();
        let lost = cases
            .keys()
            .map(|case| op(pointer(["steps", &step, "cases", &case.to_string(), "env", name]), true, None));
        changed.into_iter().chain(lost).collect()
    }

    /// What it holds of text, both ways. Not what cases had: that is the job's own, and no policy makes more of it.
    pub(crate) fn bytes(&self) -> usize {
        let text = |content: &Option<Content>| match content {
            Some(Content::Text(text)) => text.len(),
            Some(Content::Env(variable)) => variable.own.as_ref().map_or(0, String::len),
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
            (Field::Env { step, name }, after) => set(&mut spec.steps[*step], name, after.as_ref()),
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

fn op(path: String, was: bool, value: Option<Value>) -> PatchOp {
    let op = match (was, &value) {
        (false, _) => "add",
        (true, None) => "remove",
        (true, Some(_)) => "replace",
    };
    PatchOp { op: op.into(), path, value }
}

fn set(step: &mut StepSpec, name: &str, after: Option<&Content>) {
    put(&mut step.env, name, after);
    let cases = after.and_then(|content| match content {
        Content::Env(variable) => Some(&variable.cases),
        Content::Number(_) | Content::Cpus(_) | Content::Text(_) => None,
    });
    for (index, case) in step.cases.iter_mut().enumerate() {
        match cases.and_then(|cases| cases.get(&index)) {
            Some(value) => drop(case.env.insert(name.to_owned(), value.clone())),
            None => drop(case.env.remove(name)),
        }
    }
}

fn put(map: &mut BTreeMap<String, String>, key: &str, after: Option<&Content>) {
    match after.and_then(Content::own) {
        Some(text) => drop(map.insert(key.to_owned(), text.to_owned())),
        None => drop(map.remove(key)),
    }
}

impl Content {
    fn to_json(&self) -> Value {
        match self {
            Self::Number(number) => (*number).into(),
            Self::Cpus(cpus) => (*cpus).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Env(_) => Value::Null,
        }
    }

    /// The text that it is, of a variable the step's.
    fn own(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Env(variable) => variable.own.as_deref(),
            Self::Number(_) | Self::Cpus(_) => None,
        }
    }
}
