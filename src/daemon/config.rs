//! Settings with nothing left open: every default filled in, every value checked before anything starts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use image::registry::{self, Registry};
use model::{HostPolicy, JobRequest, Limits, LimitsRequest};
use sandbox::DEGRADABLE;
use schedule::Capacity;

use crate::folders;
use crate::listen::{self, Address};
use crate::machine::Machine;
use crate::settings::{ConfigError, Layers, LimitsSettings, LogFormat, Settings};
use crate::telemetry;

mod service;
mod shown;

pub use service::Service;
pub use shown::{Shown, schema, shown};

/// Paths that a job gets a private one of, so the host's own cannot be put there.
const OWN_PATHS: [&str; 5] = ["/dev", "/proc", "/sys", "/tmp", "/workspace"];

#[derive(Clone, Debug)]
pub struct Config {
    /// At least one.
    pub listen: Vec<Address>,
    /// Certificate chain and key, both PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    pub allow_plaintext: bool,
    /// `None` for the default place.
    pub state_dir: Option<PathBuf>,
    pub host_paths: Vec<PathBuf>,
    pub allow_degraded: BTreeSet<String>,
    pub defaults: Limits,
    pub caps: Limits,
    pub service: Service,
    pub registries: registry::Settings,
    pub volume_bytes: u64,
    pub max_body_bytes: usize,
    pub allowed_hosts: Vec<String>,
    pub seccomp_profiles: BTreeMap<String, PathBuf>,
    /// A path, or the name of a shipped bundle; every valid job is admitted where there is none.
    pub policies: Option<String>,
    /// Where compiled policies are kept from one start to the next.
    pub policy_cache: Option<PathBuf>,
    pub admission_log: Option<PathBuf>,
    pub log: String,
    pub log_format: LogFormat,
    pub telemetry: telemetry::Settings,
    /// `STOCKADE_…` variables that are no setting.
    pub unknown_variables: Vec<String>,
}

impl Config {
    /// From the file (`--config`, else `STOCKADE_CONFIG`), the environment and the flags.
    pub fn load(file: Option<&Path>, flags: &Settings) -> Result<Self, ConfigError> {
        let layers = Layers::read(file, flags)?;
        let config = Self::resolve(layers.merged(), &Machine::read())?;
        Ok(Self { unknown_variables: layers.unknown, ..config })
    }

    pub(crate) fn resolve(settings: Settings, machine: &Machine) -> Result<Self, ConfigError> {
        let service = Service::resolve(&settings, machine)?;
        let (defaults, caps) = limits(&settings.limits, machine, &service.capacity)?;
        Ok(Self {
            listen: listen(settings.listen)?,
            tls: tls(settings.tls_cert, settings.tls_key)?,
            allow_plaintext: settings.allow_plaintext.unwrap_or(false),
            state_dir: settings.state_dir,
            host_paths: host_paths(settings.host_paths.unwrap_or_default())?,
            allow_degraded: allow_degraded(settings.allow_degraded.unwrap_or_default())?,
            defaults,
            caps,
            service,
            registries: registries(settings.registries, settings.registry_auth_file)?,
            volume_bytes: settings.volume_bytes.unwrap_or(10 << 30),
            max_body_bytes: at_least_one("max_body_bytes", settings.max_body_bytes.unwrap_or(32 << 20))?,
            allowed_hosts: settings.allowed_hosts.unwrap_or_default(),
            seccomp_profiles: settings.seccomp_profiles.unwrap_or_default(),
            policies: policies(settings.policies)?,
            admission_log: settings.admission_log,
            policy_cache: settings.policy_cache.or_else(folders::policy_cache),
            log: settings.log.unwrap_or_else(|| "info".into()),
            log_format: settings.log_format.unwrap_or_default(),
            telemetry: telemetry::Settings::resolve(&settings.telemetry)?,
            unknown_variables: Vec::new(),
        })
    }

    /// Of the store in this state directory.
    pub fn images(&self, state_dir: &Path) -> image::Options {
        let (registries, volume_bytes) = (self.registries.clone(), self.volume_bytes);
        image::Options { registries, volume_bytes, ..image::Options::new(state_dir) }
    }

    /// What [`JobRequest::check`] holds a request against.
    pub fn policy(&self, profiles: Vec<String>) -> HostPolicy {
        HostPolicy { defaults: self.defaults.clone(), caps: self.caps.clone(), profiles }
    }
}

/// Empty may be a variable that was meant to be set: no reason to go without policies.
fn policies(bundle: Option<String>) -> Result<Option<String>, ConfigError> {
    if bundle.as_deref() == Some("") {
        let hint = "name a bundle; leave the setting out to admit every valid job";
        return Err(ConfigError::setting("policies", "is empty", hint));
    }
    Ok(bundle)
}

fn registries(
    registries: BTreeMap<String, Registry>,
    registry_auth_file: Option<PathBuf>,
) -> Result<registry::Settings, ConfigError> {
    let settings = registry::Settings { registries, registry_auth_file };
    let hint = "write it as `[registries.\"HOST:PORT\"]`, and mirrors as `https://HOST`";
    settings.check().map_err(|error| ConfigError::setting("registries", error.to_string(), hint))?;
    Ok(settings)
}

fn listen(texts: Option<Vec<String>>) -> Result<Vec<Address>, ConfigError> {
    let texts = texts.unwrap_or_else(|| vec![listen::DEFAULT.into()]);
    if texts.is_empty() {
        let hint = format!("name an address; leave the setting out for `{}`", listen::DEFAULT);
        return Err(ConfigError::setting("listen", "is empty", hint));
    }
    texts.iter().map(|text| Address::parse(text)).collect()
}

fn tls(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    let alone = |set: &str, unset: &str| {
        let hint = format!("set `{unset}` too, or neither of them");
        ConfigError::setting(set, format!("there is no `{unset}` with it"), hint)
    };
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
        (Some(_), None) => Err(alone("tls_cert", "tls_key")),
        (None, Some(_)) => Err(alone("tls_key", "tls_cert")),
        (None, None) => Ok(None),
    }
}

fn host_paths(paths: Vec<PathBuf>) -> Result<Vec<PathBuf>, ConfigError> {
    for path in &paths {
        let shown = path.display();
        let plain = path.components().all(|part| !matches!(part, Component::ParentDir));
        let (detail, hint) = if !path.is_absolute() || !plain {
            (format!("`{shown}` is not an absolute path without `..`"), "give the whole path from `/`")
        } else if matches!(path.to_str(), Some("/" | "/etc"))
            || OWN_PATHS.iter().any(|own| path.starts_with(own))
        {
            (
                format!("`{shown}` cannot be shown to jobs: it would replace their own"),
                "a host path keeps its name: move or copy it to a place outside /dev, /proc, /sys, /tmp and /workspace",
            )
        } else if let Err(error) = path.metadata() {
            (format!("`{shown}`: {error}"), "name a path that exists and that this user can reach")
        } else {
            continue;
        };
        return Err(ConfigError::setting("host_paths", detail, hint));
    }
    Ok(paths)
}

fn allow_degraded(layers: BTreeSet<String>) -> Result<BTreeSet<String>, ConfigError> {
    match layers.iter().find(|layer| !DEGRADABLE.contains(&layer.as_str())) {
        None => Ok(layers),
        Some(layer) => {
            let detail = format!("there is no layer `{layer}` that may be missing");
            Err(ConfigError::setting(
                "allow_degraded",
                detail,
                format!("one of `{}`", DEGRADABLE.join("`, `")),
            ))
        }
    }
}

fn at_least_one(key: &str, value: usize) -> Result<usize, ConfigError> {
    if value > 0 {
        Ok(value)
    } else {
        Err(ConfigError::setting(key, "must be at least 1", "leave it out for the default"))
    }
}

/// Defaults and caps. A default that was not set follows a lower cap; one that was set above it is a mistake.
fn limits(
    settings: &LimitsSettings,
    machine: &Machine,
    capacity: &Capacity,
) -> Result<(Limits, Limits), ConfigError> {
    let unbounded = Limits {
        cpu_time_ms: u64::MAX,
        wall_time_ms: u64::MAX,
        memory_bytes: u64::MAX,
        pids: u64::MAX,
        output_bytes: u64::MAX,
        disk_bytes: u64::MAX,
        open_files: u64::MAX,
        file_bytes: u64::MAX,
        stack_bytes: u64::MAX,
        cpus: f64::INFINITY,
    };
    // What is not promised to all jobs together cannot be one's own.
    let promised = Machine { memory_bytes: capacity.memory_bytes, ..*machine };
    let caps = checked("cap", &settings.cap, unbounded)?.over(&promised.caps());
    fits(&caps, capacity)?;
    let built_in = Limits::defaults();
    let fitting = Limits {
        cpu_time_ms: built_in.cpu_time_ms.min(caps.cpu_time_ms),
        wall_time_ms: built_in.wall_time_ms.min(caps.wall_time_ms),
        memory_bytes: built_in.memory_bytes.min(caps.memory_bytes),
        pids: built_in.pids.min(caps.pids),
        output_bytes: built_in.output_bytes.min(caps.output_bytes),
        disk_bytes: built_in.disk_bytes.min(caps.disk_bytes),
        open_files: built_in.open_files.min(caps.open_files),
        file_bytes: built_in.file_bytes.min(caps.file_bytes),
        stack_bytes: built_in.stack_bytes.min(caps.stack_bytes),
        cpus: built_in.cpus.min(caps.cpus),
    };
    let defaults = checked("default", &settings.default, caps.clone())?.over(&fitting);
    Ok((defaults, caps))
}

/// A job that passed as small enough would otherwise be refused as too large for the host.
fn fits(caps: &Limits, capacity: &Capacity) -> Result<(), ConfigError> {
    if caps.memory_bytes > capacity.memory_bytes {
        let detail =
            format!("above `memory_bytes`, the {} that all jobs have together", capacity.memory_bytes);
        return Err(ConfigError::setting(
            "limits.cap.memory_bytes",
            detail,
            "lower it, or raise `memory_bytes`",
        ));
    }
    if Duration::from_secs_f64(caps.cpus) > Duration::from_millis(capacity.cpu_millis) {
        let detail = "above the CPUs that all jobs have together";
        return Err(ConfigError::setting("limits.cap.cpus", detail, "lower it, or raise `cpu_overcommit`"));
    }
    Ok(())
}

/// Holds limits to the rules for those of a request, so there is one set of rules.
fn checked<'a>(
    table: &str,
    asked: &'a LimitsRequest,
    caps: Limits,
) -> Result<&'a LimitsRequest, ConfigError> {
    let command = Some(vec!["true".into()]);
    let request = JobRequest { command, limits: asked.clone(), ..JobRequest::default() };
    let host = HostPolicy { defaults: Limits::defaults(), caps, profiles: vec!["default".into()] };
    let Err(errors) = request.check(&host) else { return Ok(asked) };
    let Some(error) = errors.first() else { return Ok(asked) };
    let limit = error.pointer.rsplit('/').next().unwrap_or_default();
    let (detail, hint) = if error.code == "above_cap" {
        (format!("above `limits.cap.{limit}`"), format!("lower it, or raise `limits.cap.{limit}`"))
    } else {
        (error.detail.clone(), "leave it out for the built-in value".into())
    };
    Err(ConfigError::setting(&format!("limits.{table}.{limit}"), detail, hint))
}

#[cfg(test)]
mod tests;
