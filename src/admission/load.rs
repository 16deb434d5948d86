//! From a bundle to a set that can be asked. Everything that can go wrong with a policy goes wrong here, before it is in
//! force.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{Failure, Hook, JobId, JobSpec};
use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use crate::admission::Core;
use crate::bindings::{configuration, connection, mutation, on_exited, on_started, pre_start, validation};
use crate::bundle::{Bundle, BundleError, Entry, Grant};
use crate::cache::hex;
use crate::compile::{CompileError, compile};
use crate::component::{self, Description};
use crate::draft::{Draft, Rights};
use crate::host::{State, linker};
use crate::policy::{Hooks, Policy, Set, Tables};
use crate::{About, shipped, sys};

/// The largest interpreter tried makes components of 19 MiB.
const MAX_COMPONENT: u64 = 32 << 20;

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
        let generation = self.current.generation + 1;
        Ok(Set { generation, bundle: Some(bundle.name.clone()), loaded_at: Timestamp::now(), policies })
    }

    fn policy(
        &self,
        entry: &Entry,
        place: u32,
        folder: &Path,
        tables: &Arc<Tables>,
    ) -> Result<Arc<Policy>, Refusal> {
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
            name,
            digest,
            component,
        });
        self.probe(&policy, &pre)?;
        Ok(policy)
    }

    /// The same bytes were compiled before: for the set in force, or by an earlier process.
    fn component(&self, wasm: &[u8], digest: &str) -> Result<Component, Refusal> {
        if let Some(policy) = self.current.policies.iter().find(|policy| policy.digest == digest) {
            return Ok(policy.component.clone());
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

    /// Makes one instance and has the settings checked: what is wrong with a policy must not wait for the first job.
    fn probe(&self, policy: &Arc<Policy>, pre: &InstancePre<State>) -> Result<(), Refusal> {
        let Some(_place) = self.core.place() else {
            return refuse("start", "all places for policy calls are taken", "try again shortly");
        };
        let about = Arc::new(About::local(JobId::new()));
        let state = || State::new(policy, &about, Hook::Validation, Draft::new(Arc::new(no_job())));
        let caller = self.core.caller();
        let probed = caller.call(policy, state(), |store| {
            let instance = pre.instantiate(&mut *store)?;
            policy.hooks.check_types(store, &instance)
        });
        if let Err(broken) = probed.answer {
            let remedy = match broken.failure {
                Failure::Memory | Failure::Timeout => "give it more `memory_bytes` or `timeout_ms`",
                _ => REBUILD,
            };
            return refuse(
                "start",
                format!("it does not start ({}): {}", broken.failure.word(), broken.detail),
                remedy,
            );
        }
        if let Ok(pre) = configuration::HookConfigurationPre::new(pre.clone()) {
            let called = caller.call(policy, state(), |store| {
                let settings = Arc::clone(&policy.settings);
                pre.instantiate(&mut *store)?
                    .stockade_policy_configuration()
                    .call_validate_settings(store, &settings)
            });
            settings_answer(called.answer)?;
        } else if &*policy.settings != "{}" {
            return refuse(
                "settings-refused",
                "it has settings in the bundle and takes none",
                "leave `settings` out, or export `configuration` from the policy",
            );
        }
        Ok(())
    }
}

const REBUILD: &str = "build it again with `stockade policy build`, for this version of Stockade";

type SettingsAnswer = Result<
    Result<(), Vec<configuration::exports::stockade::policy::configuration::SettingsError>>,
    crate::call::Broken,
>;

fn settings_answer(answer: SettingsAnswer) -> Result<(), Refusal> {
    match answer {
        Ok(Ok(())) => Ok(()),
        Ok(Err(errors)) => {
            let one = |e: &configuration::exports::stockade::policy::configuration::SettingsError| {
                let pointer = if e.pointer.is_empty() { "settings" } else { &e.pointer };
                format!(
                    "{}: {}",
                    crate::host::line(pointer.to_owned(), 256),
                    crate::host::line(e.message.clone(), 1024)
                )
            };
            let all: Vec<String> = errors.iter().take(16).map(one).collect();
            let detail = format!("settings refused: {}", all.join("; "));
            let remedy = "`stockade policy inspect` shows which settings it takes";
            let first = errors.into_iter().next().map(|error| crate::host::cut(error.pointer, 256));
            Err(Refusal("settings-refused", detail, remedy.into(), first))
        }
        Err(broken) => refuse(
            "settings-refused",
            format!("checking its settings failed ({}): {}", broken.failure.word(), broken.detail),
            "mend the policy; it must answer to any JSON",
        ),
    }
}

/// `builtin:NAME`, or a path below the bundle's folder or from `/`.
fn fetch(plugin: &str, folder: &Path) -> Result<Vec<u8>, Refusal> {
    if let Some(name) = plugin.strip_prefix("builtin:") {
        return shipped::plugin(name).map(<[u8]>::to_vec).ok_or_else(|| {
            let names = shipped::plugin_names().join(", ");
            Refusal::new(
                "plugin",
                format!("there is no built-in plugin `{name}`"),
                format!("one of: {names}"),
            )
        });
    }
    let path = folder.join(plugin);
    let failed = |error: std::io::Error| {
        let remedy =
            "name a file that the user of this process can read; a relative path starts at the bundle";
        Refusal::new("plugin", format!("`{}`: {error}", path.display()), remedy.into())
    };
    let file = File::open(&path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return refuse("plugin", format!("`{}` is not a file", path.display()), "name the component itself");
    }
    let mut wasm = Vec::new();
    file.take(MAX_COMPONENT + 1).read_to_end(&mut wasm).map_err(failed)?;
    if wasm.len() as u64 > MAX_COMPONENT {
        let detail = format!("`{}` is larger than {} MiB", path.display(), MAX_COMPONENT >> 20);
        return refuse("plugin", detail, "leave out what it does not need (`wasm-tools strip`)");
    }
    Ok(wasm)
}

/// The import list is the boundary: what is not granted cannot be called.
fn granted(entry: &Entry, described: &Description) -> Result<(), Refusal> {
    if let Some(unknown) = described.unknown_imports.first() {
        let remedy = if unknown.starts_with("wasi:") {
            "policies have no WASI: build for wasm32-unknown-unknown, or with the WASI stubs of the SDK"
        } else {
            "build it against this version's sdk/wit, or update Stockade"
        };
        return refuse("import", format!("it imports `{unknown}`, which Stockade does not have"), remedy);
    }
    let words: BTreeSet<&str> = entry.grants.iter().map(|grant| grant.word()).collect();
    let missing: Vec<&str> =
        described.grants.iter().copied().filter(|grant| !words.contains(grant)).collect();
    if !missing.is_empty() {
        return refuse(
            "grant",
            format!("it asks for {} and is not granted that", missing.join(", ")),
            format!("if it may, add to the policy: grants = {:?}", [entry.words(), missing].concat()),
        );
    }
    Ok(())
}

fn hooks(pre: &InstancePre<State>, entry: &Entry) -> Result<Hooks, Refusal> {
    let wanted = |hook| entry.hooks.as_ref().is_none_or(|hooks| hooks.contains(&hook));
    let all = Hooks {
        mutation: mutation::HookMutationPre::new(pre.clone()).ok(),
        validation: validation::HookValidationPre::new(pre.clone()).ok(),
        pre_start: pre_start::HookPreStartPre::new(pre.clone()).ok(),
        on_started: on_started::HookOnStartedPre::new(pre.clone()).ok(),
        on_exited: on_exited::HookOnExitedPre::new(pre.clone()).ok(),
        connection: connection::HookConnectionPre::new(pre.clone()).ok(),
    };
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
    Ok(Hooks {
        mutation: all.mutation.filter(|_| wanted(Hook::Mutation)),
        validation: all.validation.filter(|_| wanted(Hook::Validation)),
        pre_start: all.pre_start.filter(|_| wanted(Hook::PreStart)),
        on_started: all.on_started.filter(|_| wanted(Hook::OnStarted)),
        on_exited: all.on_exited.filter(|_| wanted(Hook::OnExited)),
        connection: all.connection.filter(|_| wanted(Hook::Connection)),
    })
}

fn compile_remedy(error: &CompileError) -> &'static str {
    match error {
        CompileError::Start(_) => "the process must be able to start itself again: /proc must be there",
        CompileError::Refused(_) => "build it again, or copy it again and compare digests",
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

/// What a policy sees that looks at the job while its settings are checked.
fn no_job() -> JobSpec {
    JobSpec {
        image: "host".into(),
        image_digest: None,
        volumes: Vec::new(),
        group: 0,
        files: Vec::new(),
        steps: Vec::new(),
        disk_bytes: 0,
        on_output_limit: model::OnOutputLimit::Truncate,
        network: model::Network::default(),
        artifacts: Vec::new(),
        user: 0,
        labels: std::collections::BTreeMap::new(),
        require: Vec::new(),
        priority: 0,
        max_attempts: 1,
        queue_timeout_ms: None,
        commit: None,
        callback: None,
        tty: false,
    }
}
