//! Settings as written: in a TOML file, in `STOCKADE_…` variables, as flags. Later ones win, key by key; a list is
//! replaced as a whole, so a flag can also narrow what the file allows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use image::registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use toml::{Table, Value};

mod layers;
mod sections;

pub(crate) use layers::Layers;
pub use layers::Origin;
#[cfg(test)]
pub(crate) use layers::SettingsFile;
pub use sections::{LimitsSettings, LogFormat, RetentionSettings, TelemetrySettings, TenantSettings};

const PREFIX: &str = "STOCKADE_";
/// Variables that are lists, and what separates their entries.
const LISTS: [(&str, char); 5] = [
    ("listen", ','),
    ("host_paths", ':'),
    ("allow_degraded", ','),
    ("allowed_hosts", ','),
    ("callback_allow", ','),
];
const NUMBERS: [&str; 7] = [
    "max_running",
    "max_queued",
    "max_body_bytes",
    "max_blob_bytes",
    "memory_bytes",
    "cpu_overcommit",
    "volume_bytes",
];
const TEXTS: [&str; 10] = [
    "policies",
    "policy_cache",
    "admission_log",
    "log",
    "log_format",
    "state_dir",
    "tls_cert",
    "tls_key",
    "durability",
    "registry_auth_file",
];
/// Of whoever sends jobs, not of the daemon.
const CLIENTS: [&str; 3] = ["STOCKADE_SERVER", "STOCKADE_TOKEN", "STOCKADE_CACERT"];
const SWITCHES: [&str; 1] = ["allow_plaintext"];

/// One source's settings; `None` leaves a setting to the source below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(
    title = "Settings of Stockade",
    description = "The file that `stockade serve --config` takes, in TOML."
)]
pub struct Settings {
    /// Where the HTTP server is reached: an address with a port, or a list of them; port 0 lets the kernel choose.
    /// `unix:/PATH` is a socket. Beyond loopback it takes tokens, and TLS.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(with = "Option<Listed>")]
    pub listen: Option<Vec<String>>,
    /// Certificate chain and key (PEM) for all addresses with a port; relative paths start at the settings file.
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// Take tokens from beyond loopback without TLS, for a proxy in front that does it.
    pub allow_plaintext: Option<bool>,
    /// What outlives the daemon: its tokens and jobs. A relative path starts at the settings file.
    pub state_dir: Option<PathBuf>,
    /// Host paths that every job sees read-only, beside the standard ones.
    pub host_paths: Option<Vec<PathBuf>>,
    /// Layers that may be missing, by name.
    pub allow_degraded: Option<BTreeSet<String>>,
    pub limits: LimitsSettings,
    /// Jobs that run at one time.
    pub max_running: Option<usize>,
    /// Jobs that wait for a place; one more is answered with 429.
    pub max_queued: Option<usize>,
    /// What running jobs are promised together; 80 % of the machine's where it is left out.
    pub memory_bytes: Option<u64>,
    /// CPUs promised for each that there is, `2.0` where it is left out.
    pub cpu_overcommit: Option<f64>,
    /// By tenant: what it may have.
    pub tenants: BTreeMap<String, TenantSettings>,
    /// Of tenants that are not named.
    pub tenant_defaults: TenantSettings,
    pub retention: RetentionSettings,
    /// What an answered job survives: `process` (the end of this process, the default) or `power` (of the machine).
    pub durability: Option<String>,
    /// Where callbacks may go although it is not public: networks or addresses, with or without a port.
    pub callback_allow: Option<Vec<String>>,
    /// By the name that references have, such as `docker.io`: how its images are come by. A relative `ca` starts at the settings file.
    pub registries: BTreeMap<String, Registry>,
    /// Credentials for registries, in the form of Docker's `config.json`; a relative path starts at the settings file.
    pub registry_auth_file: Option<PathBuf>,
    /// The limit of a volume that is made without one, and the largest that may be asked for; 10 GiB where it is left out.
    pub volume_bytes: Option<u64>,
    /// Of one uploaded blob.
    pub max_blob_bytes: Option<u64>,
    pub max_body_bytes: Option<usize>,
    /// `Host` headers accepted beside the loopback names.
    pub allowed_hosts: Option<Vec<String>>,
    /// Further seccomp profiles, name to JSON file; a relative path starts at the settings file.
    pub seccomp_profiles: Option<BTreeMap<String, PathBuf>>,
    /// Bundle of policies: the name of a shipped one, or a path; a relative one starts at the settings file. Unset: every
    /// valid job is admitted.
    pub policies: Option<String>,
    /// Where compiled policies are kept: a folder of this user alone; a relative path starts at the settings file.
    pub policy_cache: Option<PathBuf>,
    /// Records every decided job, secrets included, for `stockade policy diff`; a relative path starts at the settings file.
    pub admission_log: Option<PathBuf>,
    /// What is logged, such as `info` or `warn,api=debug`.
    pub log: Option<String>,
    pub log_format: Option<LogFormat>,
    pub telemetry: TelemetrySettings,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}:{line}: {detail}", path.display())]
    Parse { path: PathBuf, line: usize, detail: String },
    #[error("{name}: {detail}")]
    Variable { name: String, detail: String },
    #[error("setting `{key}`: {detail}")]
    Setting { key: String, detail: String, hint: String },
}

impl ConfigError {
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Setting { hint, .. } => Some(hint),
            Self::Read { .. } | Self::Parse { .. } | Self::Variable { .. } => None,
        }
    }

    pub(crate) fn setting(key: &str, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Setting { key: key.into(), detail: detail.into(), hint: hint.into() }
    }
}

impl Settings {
    /// Of the file at `path`, which relative paths in it start from.
    fn from_text(path: &Path, text: &str) -> Result<Self, ConfigError> {
        // A table first: as such it meets the others later, and an integer of TOML has 64 bits with its sign.
        let settings = toml::from_str::<Table>(text).and_then(|_| toml::from_str(text));
        let mut settings: Self = settings.map_err(|error| {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            ConfigError::Parse { path: path.into(), line, detail: one_line(error.message()) }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for profile in settings.seccomp_profiles.iter_mut().flat_map(BTreeMap::values_mut) {
            *profile = folder.join(&profile);
        }
        for ca in settings.registries.values_mut().filter_map(|registry| registry.ca.as_mut()) {
            *ca = folder.join(&ca);
        }
        let paths = [
            &mut settings.policy_cache,
            &mut settings.admission_log,
            &mut settings.state_dir,
            &mut settings.tls_cert,
            &mut settings.tls_key,
            &mut settings.registry_auth_file,
        ];
        for path in paths.into_iter().flatten() {
            *path = folder.join(&path);
        }
        settings.policies = settings.policies.map(|bundle| bundle_from(folder, bundle));
        Ok(settings)
    }

    /// From `STOCKADE_…` variables. The second value names those that are no setting: worth a warning, not a refusal,
    /// because Kubernetes sets `STOCKADE_PORT` and more for a service of that name.
    pub(crate) fn from_env(
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<(Self, Vec<String>), ConfigError> {
        let mut all = Table::new();
        let mut unknown = Vec::new();
        for (name, value) in variables {
            if CLIENTS.contains(&name.as_str()) {
                continue;
            }
            let Some(key) = name.strip_prefix(PREFIX).map(str::to_ascii_lowercase) else { continue };
            let Some(table) = variable(&key, &value) else {
                unknown.push(name);
                continue;
            };
            table.clone().try_into::<Self>().map_err(|error| {
                let detail = format!("`{value}`: {}", one_line(error.message()));
                ConfigError::Variable { name: name.clone(), detail }
            })?;
            merge(&mut all, table);
        }
        Ok((all.try_into().unwrap_or_default(), unknown))
    }

    /// These settings, and those of `below` where these say nothing.
    pub(crate) fn over(&self, below: &Self) -> Self {
        let tables = (Table::try_from(below), Table::try_from(self));
        let (Ok(mut merged), Ok(above)) = tables else { unreachable!("settings are plain TOML values") };
        merge(&mut merged, above);
        merged.try_into().unwrap_or_else(|error| unreachable!("two valid tables merge to one: {error}"))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "an address, or a list of them")]
enum Listed {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(Option::<Listed>::deserialize(from)?.map(|listed| match listed {
        Listed::One(only) => vec![only],
        Listed::Many(all) => all,
    }))
}

fn bundle_from(folder: &Path, bundle: String) -> String {
    // An empty one is refused later, and must not become the folder.
    if bundle.is_empty() || admission::shipped::bundle_names().contains(&bundle.as_str()) {
        return bundle;
    }
    // Two texts make a text.
    folder.join(&bundle).into_os_string().into_string().unwrap_or(bundle)
}

/// The table that `STOCKADE_KEY=value` stands for; `None` where there is no such setting.
fn variable(key: &str, value: &str) -> Option<Table> {
    if let Some((name, separator)) = LISTS.iter().find(|(name, _)| *name == key) {
        let entries = value.split(*separator).filter(|entry| !entry.is_empty());
        return Some(nest(&[name], Value::Array(entries.map(Value::from).collect())));
    }
    if TEXTS.contains(&key) {
        return Some(nest(&[key], value.into()));
    }
    if SWITCHES.contains(&key) {
        // What is neither stays a text, for the refusal to name it.
        return Some(nest(&[key], value.parse().map_or_else(|_| value.into(), Value::Boolean)));
    }
    if NUMBERS.contains(&key) {
        return Some(nest(&[key], number(value)));
    }
    if let Some(name) = key.strip_prefix("telemetry_") {
        return Some(nest(&["telemetry", name], value.into()));
    }
    if let Some(name) = key.strip_prefix("retention_") {
        return Some(nest(&["retention", name], number(value)));
    }
    ["default", "cap"].into_iter().find_map(|which| {
        let limit = key.strip_prefix("limits_")?.strip_prefix(which)?.strip_prefix('_')?;
        Some(nest(&["limits", which, limit], number(value)))
    })
}

/// What is none stays a text, for the refusal to name it.
fn number(value: &str) -> Value {
    let integer = value.parse::<i64>().map(Value::Integer);
    integer.or_else(|_| value.parse().map(Value::Float)).unwrap_or_else(|_| value.into())
}

fn nest(path: &[&str], value: Value) -> Table {
    let [first, rest @ ..] = path else { return Table::new() };
    let value = if rest.is_empty() { value } else { nest(rest, value).into() };
    Table::from_iter([((*first).to_owned(), value)])
}

fn merge(below: &mut Table, above: Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            // Profiles are a list that happens to be written as a table: replaced like the other lists.
            (Some(Value::Table(inner)), Value::Table(value)) if key != "seccomp_profiles" => {
                merge(inner, value);
            }
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

fn line_of(text: &str, place: usize) -> usize {
    text.bytes().take(place).filter(|&b| b == b'\n').count() + 1
}

/// toml's messages can span lines; an error of ours is one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
