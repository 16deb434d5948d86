//! The grammar of a bundle: which policies there are, in which order, with which settings and grants.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use model::{Hook, Mode};
use serde::Deserialize;
use toml::Spanned;

use crate::{shipped, unread};

mod check;
mod grant;
mod whose;

pub use grant::Grant;

/// A file of policies, checked as far as it can be without looking into the components.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// For messages: the path as given, or the name of a shipped one.
    pub name: String,
    /// Where relative paths of plugins start.
    pub(crate) folder: PathBuf,
    /// By order, ties by name.
    pub policies: Vec<Entry>,
    /// For `facts.lookup`.
    pub(crate) tables: BTreeMap<String, BTreeMap<String, String>>,
}

/// One policy as a bundle names it.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Unique in the bundle, `[a-z0-9-]{1,64}`: in decisions, metrics and the log.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9-]{1,64}$")))]
    pub name: String,
    /// `builtin:NAME`, or the path of a component; a relative one starts at the bundle.
    #[cfg_attr(test, schemars(length(min = 1), extend("not" = { "pattern": "://|@sha256:" })))]
    pub plugin: String,
    /// `sha256:…` that the component must have.
    #[serde(default)]
    #[cfg_attr(test, schemars(regex(pattern = "^sha256:[0-9a-f]{64}$")))]
    pub digest: Option<String>,
    /// Mutators are asked by this number, ties by name.
    #[serde(default = "Entry::default_order")]
    pub order: i32,
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "ModeSchema"))]
    pub mode: Mode,
    /// What it may import beyond `log call job container outcome`, and `loosen` and `override` for patches.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Only at these of its hooks; all where left out.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<Vec<HookSchema>>", length(min = 1)))]
    pub hooks: Option<Vec<Hook>>,
    /// Milliseconds of wall time for one call; then it is stopped and the job is denied. 1 to 5000.
    #[serde(default = "Entry::default_timeout")]
    #[cfg_attr(test, schemars(range(min = *check::TIMEOUT_MS.start(), max = *check::TIMEOUT_MS.end())))]
    pub timeout_ms: u32,
    /// Linear memory of one call, 64 KiB to 256 MiB.
    #[serde(default = "Entry::default_memory")]
    #[cfg_attr(test, schemars(range(min = *check::MEMORY_BYTES.start(), max = *check::MEMORY_BYTES.end())))]
    pub memory_bytes: u64,
    /// Which jobs it is asked about; all where left out.
    #[serde(default, rename = "match")]
    pub matcher: Matcher,
    /// Passed to the policy as JSON.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, serde_json::Value>"))]
    pub settings: toml::Table,
    /// In the file, counted from 1.
    #[serde(skip)]
    pub(crate) line: usize,
}

/// Conditions on the job as it was sent, whatever policies make of it; all that are given must hold. Texts are globs.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// One of them must match.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub tenants: Option<Vec<String>>,
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub images: Option<Vec<String>>,
    /// The seccomp profile of any step.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub profiles: Option<Vec<String>>,
    /// `none`, `allow`, `full`.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub networks: Option<Vec<String>>,
    /// The job must have each of these labels with a matching value.
    pub labels: BTreeMap<String, String>,
    /// It must have none of these.
    pub unless_labels: BTreeMap<String, String>,
}

#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum ModeSchema {
    Enforce,
    Warn,
    Audit,
    Off,
}

#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum HookSchema {
    Mutation,
    Validation,
    PreStart,
    OnStarted,
    OnExited,
    Connection,
    #[serde(rename = "pre-start")]
    PreStartOfTheContract,
    #[serde(rename = "on-started")]
    OnStartedOfTheContract,
    #[serde(rename = "on-exited")]
    OnExitedOfTheContract,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(
    test,
    schemars(
        title = "A bundle of Stockade policies",
        description = "Which policies are asked about jobs, in which order, with which settings and grants. In TOML.",
        // The loader has its own words for a bundle without one.
        extend("required" = ["policy"])
    )
)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The policies, in any order.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Vec<Entry>", length(min = 1, max = check::MAX_POLICIES)))]
    policy: Vec<Spanned<Entry>>,
    /// Tables for `facts.lookup`.
    #[serde(default)]
    tables: BTreeMap<String, BTreeMap<String, String>>,
}

/// Why a bundle, or a policy of it, cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[error("{}{}{detail}", at(bundle, *line), policy.as_ref().map_or_else(String::new, |name| format!("policy `{name}`: ")))]
pub struct BundleError {
    pub bundle: String,
    /// Counted from 1; 0 where the whole file is meant.
    pub line: usize,
    pub policy: Option<String>,
    /// Stable word: `bundle` for what the file itself says, `plugin`, `digest`, `import`, `grant`, `compile`, `start`, `hook`,
    /// `settings-refused`.
    pub code: &'static str,
    pub detail: Box<str>,
    pub remedy: Box<str>,
    /// For `settings-refused`: the first setting that is wrong, as a JSON pointer.
    pub pointer: Option<Box<str>>,
}

fn at(bundle: &str, line: usize) -> String {
    if line == 0 { format!("{bundle}: ") } else { format!("{bundle}:{line}: ") }
}

impl Bundle {
    /// A path, or the name of a shipped bundle.
    pub fn read(source: &str) -> Result<Self, BundleError> {
        if let Some(text) = shipped::bundle(source) {
            return Self::parse(source, Path::new(""), text);
        }
        let text = fs::read_to_string(source).map_err(|error| {
            let shipped = shipped::bundle_names().join(", ");
            let remedy =
                format!("name a file that this user can read, or one of the shipped bundles: {shipped}");
            let (reason, remedy) = unread::told(&error, Path::new(source), remedy);
            BundleError {
                bundle: source.into(),
                line: 0,
                policy: None,
                code: "bundle",
                detail: format!("cannot be read: {reason}").into(),
                remedy: remedy.into(),
                pointer: None,
            }
        })?;
        Self::parse(source, Path::new(source).parent().unwrap_or(Path::new("")), &text)
    }

    pub fn parse(name: &str, folder: &Path, text: &str) -> Result<Self, BundleError> {
        let line = |offset: usize| text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1;
        let document: Document = toml::from_str(text).map_err(|error| {
            let at = error.span().map(|span| span.start);
            BundleError {
                bundle: name.into(),
                line: line(at.unwrap_or(0)),
                policy: at.and_then(|at| whose::entry_at(text, at)),
                code: "bundle",
                detail: error.message().split_whitespace().collect::<Vec<_>>().join(" ").into(),
                remedy: "`stockade policy schema` prints what a bundle may hold".into(),
                pointer: None,
            }
        })?;
        let mut policies: Vec<Entry> = document
            .policy
            .into_iter()
            .map(|entry| {
                let line = line(entry.span().start);
                Entry { line, ..entry.into_inner() }
            })
            .collect();
        policies.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
        let bundle = Self { name: name.into(), folder: folder.into(), policies, tables: document.tables };
        bundle.check()?;
        Ok(bundle)
    }

    /// The components that are no shipped ones.
    pub fn components(&self) -> impl Iterator<Item = PathBuf> {
        let own = self.policies.iter().filter(|entry| !entry.plugin.starts_with("builtin:"));
        own.map(|entry| self.folder.join(&entry.plugin))
    }

    /// A bundle of one policy, for trying it out.
    pub fn of(entry: Entry, tables: BTreeMap<String, BTreeMap<String, String>>) -> Result<Self, BundleError> {
        let bundle =
            Self { name: entry.plugin.clone(), folder: PathBuf::new(), policies: vec![entry], tables };
        bundle.check()?;
        Ok(bundle)
    }
}

impl Entry {
    /// With the defaults of the grammar.
    pub fn new(name: &str, plugin: &str) -> Self {
        Self {
            name: name.into(),
            plugin: plugin.into(),
            digest: None,
            order: Self::default_order(),
            mode: Mode::Enforce,
            grants: Vec::new(),
            hooks: None,
            timeout_ms: Self::default_timeout(),
            memory_bytes: Self::default_memory(),
            matcher: Matcher::default(),
            settings: toml::Table::new(),
            line: 0,
        }
    }

    pub(crate) fn words(&self) -> Vec<&'static str> {
        self.grants.iter().map(|grant| grant.word()).collect()
    }

    fn default_order() -> i32 {
        100
    }

    /// More than any policy should take: a busy machine lets its thread wait, and that counts too.
    fn default_timeout() -> u32 {
        1000
    }

    fn default_memory() -> u64 {
        16 << 20
    }

    pub(crate) fn error(
        &self,
        bundle: &str,
        code: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> BundleError {
        BundleError {
            bundle: bundle.into(),
            line: self.line,
            policy: Some(self.name.clone()),
            code,
            detail: detail.into().into(),
            remedy: remedy.into().into(),
            pointer: None,
        }
    }
}

#[cfg(test)]
mod tests;
