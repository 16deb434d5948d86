//! From a bundle to a set that can be asked. Everything that can go wrong with a policy goes wrong here, before it is in
//! force.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::admission::Core;
use crate::ahead::{Sample, Stock};
use crate::bundle::{Bundle, BundleError, Entry, Grant};
use crate::cache::hex;
use crate::compile::{CompileError, compile};
use crate::component;
use crate::draft::Rights;
use crate::hooks::Hooks;
use crate::host::{State, linker};
use crate::policy::{Policy, Set, Tables};
use crate::sys;
use crate::told::Told;

mod probe;
mod sources;

pub(crate) use probe::no_job;
use sources::{fetch, granted};

pub(crate) struct Loader<'a> {
    pub(crate) core: &'a Core,
    pub(crate) current: &'a Set,
}

/// A stable word, what is wrong, what mends it, and which setting is meant.
struct Refusal(&'static str, String, String, Option<String>);

impl Refusal {
    fn new(code: &'static str, detail: String, remedy: String) -> Self {
        Self(code, detail, remedy, None)
    }
}

fn refuse<T>(code: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(code, detail.into(), remedy.into(), None))
}

impl Loader<'_> {
    pub(crate) fn build(&self, bundle: &Bundle) -> Result<Set, BundleError> {
        let tables = Arc::new(bundle.tables.clone());
        let load = |(place, entry): (usize, &Entry)| {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let policy = self.policy(entry, place, &bundle.folder, &tables);
            policy.map_err(|Refusal(code, detail, remedy, pointer)| BundleError {
                pointer: pointer.map(Into::into),
                ..entry.error(&bundle.name, code, detail, remedy)
            })
        };
        let policies = bundle.policies.iter().enumerate().map(load).collect::<Result<Vec<_>, _>>()?;
        let stock = Arc::new(Stock::new(&self.core.maker, policies.iter().cloned()));
        Ok(Set {
            generation: self.current.generation + 1,
            bundle: Some(bundle.name.clone()),
            loaded_at: Timestamp::now(),
            policies: policies.into_iter().map(|(policy, _)| policy).collect(),
            stock,
            told: Told::default(),
        })
    }

    fn policy(
        &self,
        entry: &Entry,
        place: u32,
        folder: &Path,
        tables: &Arc<Tables>,
    ) -> Result<(Arc<Policy>, Sample), Refusal> {
        let wasm = fetch(&entry.plugin, folder)?;
        let digest = format!("sha256:{}", hex(&Sha256::digest(&wasm)));
        if let Some(pinned) = entry.digest.as_ref().filter(|pinned| **pinned != digest) {
            let detail = format!("`{}` has the digest {digest}, not {pinned}", entry.plugin);
            return refuse("digest", detail, "find out why it changed; then pin the new digest");
        }
        let described = component::describe(&wasm).map_err(|error| {
            Refusal::new("plugin", format!("`{}`: {}", entry.plugin, chain(&error)), error.hint().into())
        })?;
        granted(entry, &described)?;
        let component = self.component(&wasm, &digest)?;
        let pre = linker(&self.core.engine, &entry.grants)
            .and_then(|linker| linker.instantiate_pre(&component))
            .map_err(|error| {
                Refusal::new("import", format!("it cannot be linked: {error:#}"), REBUILD.into())
            })?;
        let memory = self.core.memory(&entry.name);
        let name: Arc<str> = entry.name.as_str().into();
        let policy = Arc::new(Policy {
            place,
            plugin: entry.plugin.clone(),
            order: entry.order,
            mode: entry.mode,
            grants: entry.grants.clone(),
            timeout: Duration::from_millis(entry.timeout_ms.into()),
            memory: usize::try_from(entry.memory_bytes).unwrap_or(usize::MAX),
            matcher: entry.matcher.clone(),
            settings: entry.settings_json().into(),
            rights: Rights {
                policy: Arc::clone(&name),
                loosen: entry.grants.contains(&Grant::Loosen),
                overrides: entry.grants.contains(&Grant::Override),
                profiles: self.core.host.profiles.clone().into(),
            },
            tables: Arc::clone(tables),
            metrics: described.metadata.map(|m| m.metrics.into_iter().collect()).unwrap_or_default(),
            hooks: hooks(&pre, entry)?,
            stats: memory.stats,
            kv: memory.kv,
            queue: crate::events::Queue::default(),
            judged: crate::recall::Recall::default(),
            added: crate::recall::Recall::default(),
            name,
            digest,
            pre,
        });
        let seen = self.probe(&policy)?;
        Ok((policy, seen))
    }

    /// The same bytes were compiled before: for the set in force, or by an earlier process.
    fn component(&self, wasm: &[u8], digest: &str) -> Result<Component, Refusal> {
        if let Some(policy) = self.current.policies.iter().find(|policy| policy.digest == digest) {
            return Ok(policy.pre.component().clone());
        }
        let engine = &self.core.engine;
        if let Some(cache) = &self.core.cache
            && let Some(code) = cache.find(engine, digest)
            // Of another version of wasmtime, say: compiled again.
            && let Ok(component) = sys::load(engine, &code)
        {
            return Ok(component);
        }
        let code = compile(wasm)
            .map_err(|error| Refusal::new("compile", chain(&error), compile_remedy(&error).into()))?;
        let component = sys::load(engine, &code).map_err(|error| {
            Refusal::new("compile", format!("its machine code does not load: {error:#}"), REBUILD.into())
        })?;
        if let Some(cache) = &self.core.cache
            && let Err(error) = cache.keep(engine, digest, &code)
        {
            tracing::debug!("a compiled policy cannot be kept: {error}");
        }
        Ok(component)
    }
}

const REBUILD: &str = "build it again with `stockade policy build`, for this version of Stockade";

fn hooks(pre: &InstancePre<State>, entry: &Entry) -> Result<Hooks, Refusal> {
    let all = Hooks::of(pre);
    let mut named = entry.hooks.iter().flatten();
    if let Some(missing) = named.find(|hook| !all.has(**hook)) {
        let has: Vec<&str> = all.names().iter().map(|hook| hook.word()).collect();
        return refuse(
            "hook",
            format!("it has no hook `{}`", missing.word()),
            format!("it has: {}", has.join(", ")),
        );
    }
    if all.names().is_empty() {
        return refuse("hook", "it exports no hook of this contract", REBUILD);
    }
    Ok(all.only(|hook| entry.hooks.as_ref().is_none_or(|hooks| hooks.contains(&hook))))
}

fn compile_remedy(error: &CompileError) -> &'static str {
    match error {
        CompileError::Start(_) => "the process must be able to start itself again: /proc must be there",
        CompileError::Refused(_) => "build it again, or copy it again and compare digests",
        CompileError::Late => {
            "load it again when the machine has less to do; if that fails too, do not use it"
        }
        CompileError::Time | CompileError::Ended { .. } | CompileError::TooLarge => {
            "make it smaller; if it is not yours, do not use it"
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
