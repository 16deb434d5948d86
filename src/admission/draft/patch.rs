//! What a policy asks to be changed, held against what it may change.

use model::{LIMIT_NAMES, RefusedPatch, pointer};
use serde::Deserialize;

use super::Draft;
use super::change::{Change, Content, Field, Variable};

/// Seccomp profiles from tight to loose. Others are in no order to these.
const PROFILES: [&str; 3] = ["strict", "default", "build"];
/// By `limits.rs` of the model: a name and a value of a label.
const MAX_LABEL: usize = 256;
/// RFC 6902 section 4.
const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];
const MAX_REFUSED: usize = 64;
const MAX_PATH: usize = 256;
/// Of one call: what a policy changes is kept in the daemon, not in its own memory.
const MAX_CHANGES: usize = 1024;
const MAX_CHANGED_BYTES: usize = 256 << 10;

/// What a bundle gives one policy beyond `patch` itself.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    pub(crate) policy: std::sync::Arc<str>,
    pub(crate) loosen: bool,
    pub(crate) overrides: bool,
    /// Names of the profiles that this host has.
    pub(crate) profiles: std::sync::Arc<[String]>,
}

/// The same as `patch-error` of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchError {
    Conflict,
    LoosensIsolation,
    InvalidValue,
    NoSuchField,
    NotNow,
}

impl PatchError {
    fn word(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::LoosensIsolation => "loosens-isolation",
            Self::InvalidValue => "invalid-value",
            Self::NoSuchField => "no-such-field",
            Self::NotNow => "not-now",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    op: String,
    path: String,
    #[serde(default)]
    value: serde_json::Value,
    /// Of `move` and `copy`, which policies may not do.
    #[serde(default, rename = "from")]
    _from: String,
}

fn operation(text: &str) -> Option<Operation> {
    let operation: Operation = serde_json::from_str(text).ok()?;
    OPERATIONS.contains(&operation.op.as_str()).then_some(operation)
}

impl Draft {
    /// Remembers what was refused; the answer is the policy's.
    pub(crate) fn refuse(&mut self, path: String, error: PatchError) -> Result<(), PatchError> {
        if self.refused.len() < MAX_REFUSED {
            let path = crate::host::cut(path, MAX_PATH);
            self.refused.push(RefusedPatch { path, code: error.word().into() });
        }
        Err(error)
    }

    /// A call that fails has changed nothing.
    fn whole(
        &mut self,
        changes: impl IntoIterator<Item = (Field, Option<Content>)>,
        rights: &Rights,
    ) -> Result<(), PatchError> {
        let before = self.pending.len();
        for (field, after) in changes {
            if let Err(error) = self.change(rights, field, after) {
                self.undo(before);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Every step above `value` gets it; a value above all of them is for all of them.
    pub(crate) fn set_limit(
        &mut self,
        rights: &Rights,
        name: &'static str,
        value: u64,
    ) -> Result<(), PatchError> {
        if name == "disk_bytes" {
            return self.change(rights, Field::Disk, Some(Content::Number(value)));
        }
        let current: Vec<u64> =
            self.spec.steps.iter().map(|step| step.limits.by_name(name).unwrap_or(0)).collect();
        let loosens = current.iter().all(|now| *now < value);
        let steps = current.into_iter().enumerate().filter(|(_, now)| *now > value || loosens);
        let changes: Vec<_> =
            steps.map(|(step, _)| (Field::Limit { step, name }, Some(amount(name, value)))).collect();
        self.whole(changes, rights)
    }

    pub(crate) fn set_step_limit(
        &mut self,
        rights: &Rights,
        step: u32,
        name: &str,
        value: u64,
    ) -> Result<(), PatchError> {
        let step = step as usize;
        let known = LIMIT_NAMES.into_iter().find(|known| *known == name && *known != "disk_bytes");
        match known {
            Some(name) if step < self.spec.steps.len() => {
                self.change(rights, Field::Limit { step, name }, Some(amount(name, value)))
            }
            _ => self.refuse(pointer(["steps", &step.to_string(), "limits", name]), PatchError::NoSuchField),
        }
    }

    pub(crate) fn set_env(
        &mut self,
        rights: &Rights,
        name: &str,
        value: Option<&str>,
    ) -> Result<(), PatchError> {
        let value = value.map(|text| Variable { own: Some(text.to_owned()), ..Variable::default() });
        let field = |step| (Field::Env { step, name: name.to_owned() }, value.clone().map(Content::Env));
        self.whole((0..self.spec.steps.len()).map(field), rights)
    }

    pub(crate) fn set_label(
        &mut self,
        rights: &Rights,
        key: &str,
        value: Option<&str>,
    ) -> Result<(), PatchError> {
        let value = value.map(|text| Content::Text(text.to_owned()));
        self.change(rights, Field::Label(key.to_owned()), value)
    }

    pub(crate) fn set_profile(
        &mut self,
        rights: &Rights,
        step: Option<u32>,
        name: &str,
    ) -> Result<(), PatchError> {
        let all = self.spec.steps.len();
        let steps = match step.map(|step| step as usize) {
            None => 0..all,
            Some(step) if step < all => step..step + 1,
            Some(step) => {
                return self
                    .refuse(pointer(["steps", &step.to_string(), "profile"]), PatchError::NoSuchField);
            }
        };
        let profile = |step| (Field::Profile { step }, Some(Content::Text(name.to_owned())));
        self.whole(steps.map(profile), rights)
    }

    pub(crate) fn add_requirement(&mut self, rights: &Rights, layer: &str) -> Result<(), PatchError> {
        if self.spec.require.iter().any(|known| known == layer) {
            return Ok(());
        }
        self.change(rights, Field::Require, Some(Content::Text(layer.to_owned())))
    }

    /// RFC 6902, one operation. What is none is more than refused: the answer does not count.
    pub(crate) fn json_op(&mut self, rights: &Rights, text: &str) -> Result<(), PatchError> {
        let Some(Operation { op, path, value, .. }) = operation(text) else {
            self.malformed = true;
            return self.refuse(String::new(), PatchError::InvalidValue);
        };
        if !path.starts_with('/') {
            return self.refuse(path, PatchError::NoSuchField);
        }
        let parts: Vec<String> =
            path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let step = |text: &str| text.parse::<u32>().ok();
        let sets = matches!(op.as_str(), "add" | "replace");
        match (parts.as_slice(), sets, value.as_str(), value.as_u64()) {
            // RFC 6902 section 4.3: what is replaced must be there.
            (["labels", key], true, ..) if op == "replace" && !self.spec.labels.contains_key(*key) => {
                self.refuse(path, PatchError::InvalidValue)
            }
            (["labels", key], true, Some(text), _) => self.set_label(rights, key, Some(text)),
            (["labels", key], false, ..) if op == "remove" => self.set_label(rights, key, None),
            (["limits", "disk_bytes"], true, _, Some(number)) => self.set_limit(rights, "disk_bytes", number),
            (["steps", index, "limits", name], true, _, Some(number)) => match step(index) {
                Some(step) => self.set_step_limit(rights, step, name, number),
                None => self.refuse(path, PatchError::NoSuchField),
            },
            (["steps", index, "profile"], true, Some(name), _) => match step(index) {
                Some(step) => self.set_profile(rights, Some(step), name),
                None => self.refuse(path, PatchError::NoSuchField),
            },
            (["require", "-"], _, Some(layer), _) if op == "add" => self.add_requirement(rights, layer),
            (["labels" | "limits", _] | ["steps", _, "limits", _] | ["require", "-"], ..) => {
                self.refuse(path, PatchError::InvalidValue)
            }
            _ => self.refuse(path, PatchError::NoSuchField),
        }
    }

    /// The one place where a change is held against the rights of who asks for it.
    fn change(&mut self, rights: &Rights, field: Field, after: Option<Content>) -> Result<(), PatchError> {
        let before = self.current(&field);
        if before == after {
            return Ok(());
        }
        let change = Change { field, before, after };
        let pointer = || change.field.pointer();
        if !is_valid(&change, rights) {
            return self.refuse(pointer(), PatchError::InvalidValue);
        }
        if loosens(&change) && !rights.loosen {
            return self.refuse(pointer(), PatchError::LoosensIsolation);
        }
        let foreign = self.owners.get(&change.field).is_some_and(|owner| *owner != rights.policy);
        // The list of requirements only grows: nobody's entry is in anybody's way.
        if foreign && !rights.overrides && change.field != Field::Require {
            return self.refuse(pointer(), PatchError::Conflict);
        }
        let bytes: usize = self.pending.iter().map(Change::bytes).sum();
        if self.pending.len() >= MAX_CHANGES || bytes + change.bytes() > MAX_CHANGED_BYTES {
            return self.refuse(pointer(), PatchError::InvalidValue);
        }
        change.apply(std::sync::Arc::make_mut(&mut self.spec));
        self.pending.push(change);
        Ok(())
    }

    fn current(&self, field: &Field) -> Option<Content> {
        let text = |text: &String| Content::Text(text.clone());
        match field {
            Field::Limit { step, name: "cpus" } => Some(Content::Cpus(self.spec.steps[*step].limits.cpus)),
            Field::Limit { step, name } => self.spec.steps[*step].limits.by_name(name).map(Content::Number),
            Field::Disk => Some(Content::Number(self.spec.disk_bytes)),
            Field::Env { step, name } => Variable::of(&self.spec.steps[*step], name).map(Content::Env),
            Field::Label(key) => self.spec.labels.get(key).map(text),
            Field::Profile { step } => Some(text(&self.spec.steps[*step].profile)),
            Field::Require => None,
        }
    }
}

/// Policies count CPUs in thousandths.
#[expect(clippy::cast_precision_loss, reason = "no host has 2^52 CPUs")]
fn amount(name: &str, value: u64) -> Content {
    if name == "cpus" { Content::Cpus(value as f64 / 1000.0) } else { Content::Number(value) }
}

/// Only what no job could have. Caps are held against the job as the whole chain leaves it.
fn is_valid(change: &Change, rights: &Rights) -> bool {
    match (&change.field, &change.after) {
        (Field::Profile { .. }, Some(Content::Text(name))) => rights.profiles.contains(name),
        (Field::Env { name, .. }, after) => {
            let clean = |text: &str| !text.contains('\0') && text.len() < 128 << 10;
            let value = match after {
                Some(Content::Env(Variable { own: Some(text), .. })) => text,
                _ => "",
            };
            !name.is_empty() && !name.contains('=') && clean(name) && clean(value)
        }
        (Field::Label(key), after) => {
            let short = |text: &str| text.len() <= MAX_LABEL;
            !key.is_empty() && short(key) && !matches!(after, Some(Content::Text(text)) if !short(text))
        }
        (Field::Limit { .. } | Field::Disk, after) => after.is_some(),
        (Field::Require, Some(Content::Text(layer))) => !layer.is_empty() && layer.len() <= MAX_LABEL,
        _ => false,
    }
}

fn loosens(change: &Change) -> bool {
    match (&change.field, &change.before, &change.after) {
        (Field::Limit { .. } | Field::Disk, Some(Content::Number(before)), Some(Content::Number(after))) => {
            after > before
        }
        (Field::Limit { .. }, Some(Content::Cpus(before)), Some(Content::Cpus(after))) => after > before,
        (Field::Profile { .. }, Some(Content::Text(before)), Some(Content::Text(after))) => {
            let place = |name: &str| PROFILES.iter().position(|known| *known == name);
            !matches!((place(before), place(after)), (Some(before), Some(after)) if after <= before)
        }
        _ => false,
    }
}
