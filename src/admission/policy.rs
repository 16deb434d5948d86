//! One loaded policy and the set it belongs to. Immutable: a reload makes new ones.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{Hook, JobSpec, Mode, NetworkMode};
use wasmtime::component::InstancePre;

use crate::ahead::{Maker, Stock};
use crate::bindings::types::Additions;
use crate::bundle::{Grant, Matcher};
use crate::draft::Rights;
use crate::events::Queue;
use crate::hooks::Hooks;
use crate::host::State;
use crate::kv::Kv;
use crate::recall::Recall;
use crate::record::Said;
use crate::stats::Stats;
use crate::told::Told;

pub(crate) type Tables = BTreeMap<String, BTreeMap<String, String>>;

/// Everything that was loaded together and decides together.
#[derive(Debug)]
pub(crate) struct Set {
    /// Counts the loads; 0 before the first.
    pub(crate) generation: u64,
    /// The bundle's name as it was given.
    pub(crate) bundle: Option<String>,
    pub(crate) loaded_at: Timestamp,
    /// By order, ties by name.
    pub(crate) policies: Vec<Arc<Policy>>,
    pub(crate) stock: Arc<Stock>,
    pub(crate) told: Told,
}

pub(crate) struct Policy {
    pub(crate) name: Arc<str>,
    /// In its set, from 0.
    pub(crate) place: u32,
    pub(crate) plugin: String,
    pub(crate) digest: String,
    pub(crate) order: i32,
    pub(crate) mode: Mode,
    pub(crate) grants: Vec<Grant>,
    pub(crate) timeout: Duration,
    pub(crate) memory: usize,
    pub(crate) matcher: Matcher,
    pub(crate) settings: Arc<str>,
    pub(crate) rights: Rights,
    pub(crate) tables: Arc<Tables>,
    /// Names of counters that its metadata declares.
    pub(crate) metrics: BTreeSet<String>,
    pub(crate) pre: InstancePre<State>,
    pub(crate) hooks: Hooks,
    pub(crate) stats: Arc<Stats>,
    pub(crate) kv: Arc<Kv>,
    pub(crate) queue: Queue,
    /// What it said at hooks that judge, and at those that add.
    pub(crate) judged: Recall<Arc<Said>>,
    pub(crate) added: Recall<Additions>,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("name", &self.name).field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

impl Set {
    pub(crate) fn empty(maker: &Maker) -> Self {
        let stock = Arc::new(Stock::new(maker, Vec::new()));
        Self {
            generation: 0,
            bundle: None,
            loaded_at: Timestamp::now(),
            policies: Vec::new(),
            stock,
            told: Told::default(),
        }
    }

    /// The policies that are asked at `hook`, whatever the job.
    pub(crate) fn at(&self, hook: Hook) -> impl Iterator<Item = &Arc<Policy>> {
        self.policies.iter().filter(move |policy| policy.mode != Mode::Off && policy.hooks.has(hook))
    }
}

/// Which policies of a set are asked about one job: decided once, on the job as it was sent, so that no policy can switch
/// another one off by what it changes. A bit for each place in the bundle.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked(u64);

impl Asked {
    pub(crate) fn of(set: &Set, spec: &JobSpec, tenant: &str) -> Self {
        let matching = set.policies.iter().filter(|policy| policy.matches(spec, tenant));
        Self(matching.fold(0, |bits, policy| bits | policy.bit()))
    }

    pub(crate) fn has(self, policy: &Policy) -> bool {
        self.0 & policy.bit() != 0
    }
}

impl Policy {
    /// A bundle has at most 64 policies.
    fn bit(&self) -> u64 {
        1 << self.place
    }

    pub(crate) fn matches(&self, spec: &JobSpec, tenant: &str) -> bool {
        let Matcher { tenants, images, profiles, networks, labels, unless_labels } = &self.matcher;
        let any = |globs: &Option<Vec<String>>, text: &str| {
            globs.as_ref().is_none_or(|globs| globs.iter().any(|glob| glob_match(glob, text)))
        };
        let has = |(key, glob): (&String, &String)| {
            spec.labels.get(key).is_some_and(|value| glob_match(glob, value))
        };
        any(tenants, tenant)
            && any(images, &spec.image)
            && (profiles.is_none() || spec.steps.iter().any(|step| any(profiles, &step.profile)))
            && any(networks, network_mode(spec))
            && labels.iter().all(has)
            && !unless_labels.iter().any(has)
    }
}

/// `*` is anything, `/` and `:` included: these are names, not paths.
pub(crate) fn glob_match(glob: &str, text: &str) -> bool {
    let Some((head, rest)) = glob.split_once('*') else { return glob == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    text.ends_with(tail)
}

pub(crate) fn network_mode(spec: &JobSpec) -> &'static str {
    match spec.network.mode {
        NetworkMode::None => "none",
    }
}

#[cfg(test)]
mod tests;
