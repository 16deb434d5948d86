use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::{Bundle, BundleError, Entry, Matcher};
use crate::engine::MOST_MEMORY;
use crate::policy::glob_match;

/// Network modes there are, or will be.
const NETWORKS: [&str; 3] = ["none", "allow", "full"];
pub(super) const MAX_POLICIES: usize = 64;
pub(super) const TIMEOUT_MS: RangeInclusive<u32> = 1..=5000;
pub(super) const MEMORY_BYTES: RangeInclusive<u64> = 64 << 10..=MOST_MEMORY as u64;
const MAX_SETTINGS: usize = 256 << 10;

impl Bundle {
    pub(super) fn check(&self) -> Result<(), BundleError> {
        let wrong =
            |entry: &Entry, (detail, remedy): Refusal| Err(entry.error(&self.name, "bundle", detail, remedy));
        if self.policies.is_empty() {
            return Err(BundleError {
                bundle: self.name.clone(),
                line: 0,
                policy: None,
                code: "bundle",
                detail: "it has no policy and would let every job through".into(),
                remedy: "name a policy in it, or name no bundle".into(),
                pointer: None,
            });
        }
        if let Some(entry) = self.policies.get(MAX_POLICIES) {
            return wrong(entry, (format!("more than {MAX_POLICIES} policies"), "put fewer in"));
        }
        let mut names = BTreeSet::new();
        for entry in &self.policies {
            if let Err(refusal) = entry.check() {
                return wrong(entry, refusal);
            }
            if !names.insert(&entry.name) {
                return wrong(entry, ("another policy has this name".into(), "give it one of its own"));
            }
        }
        Ok(())
    }
}

type Refusal = (String, &'static str);

impl Entry {
    fn check(&self) -> Result<(), Refusal> {
        let refuse = |detail: String, remedy| Err((detail, remedy));
        if !is_name(&self.name) {
            return refuse(format!("`{}` is no name for a policy", self.name), "1 to 64 of a-z, 0-9 and `-`");
        }
        if self.plugin.contains("://") || self.plugin.is_empty() {
            return refuse(
                format!("`{}` is neither a path nor a built-in plugin", self.plugin),
                "write `builtin:NAME` (`stockade policy ls`) or the path of a component",
            );
        }
        if self.plugin.contains("@sha256:") {
            return refuse(
                format!("`{}` is a reference to a registry, and plugins are fetched from none", self.plugin),
                "put the component beside the bundle and name its path; `digest` pins it",
            );
        }
        if let Some(digest) = &self.digest
            && !is_digest(digest)
        {
            return refuse(format!("`{digest}` is no digest"), "write `sha256:` and 64 hexadecimal digits");
        }
        if !TIMEOUT_MS.contains(&self.timeout_ms) {
            return refuse(format!("timeout_ms is {}", self.timeout_ms), "1 to 5000 milliseconds");
        }
        if !MEMORY_BYTES.contains(&self.memory_bytes) {
            return refuse(format!("memory_bytes is {}", self.memory_bytes), "64 KiB to 256 MiB");
        }
        if self.hooks.as_ref().is_some_and(Vec::is_empty) {
            return refuse("no hook is left".into(), "leave `hooks` out for all, or set `mode = \"off\"`");
        }
        if self.settings_json().len() > MAX_SETTINGS {
            return refuse("its settings are too large".into(), "at most 256 KiB as JSON");
        }
        self.matcher.check()
    }

    /// Keys sorted, so that equal settings are equal texts.
    pub(crate) fn settings_json(&self) -> String {
        // TOML has nothing that JSON lacks but dates and special floats, which become texts and nulls.
        serde_json::to_string(&self.settings).unwrap_or_else(|_| "{}".into())
    }
}

impl Matcher {
    /// An empty list would match nothing, and so switch the policy off without saying so.
    fn check(&self) -> Result<(), Refusal> {
        let lists = [
            ("tenants", &self.tenants),
            ("images", &self.images),
            ("profiles", &self.profiles),
            ("networks", &self.networks),
        ];
        for (name, list) in lists {
            if list.as_ref().is_some_and(Vec::is_empty) {
                let remedy = "leave it out to match all, or set `mode = \"off\"`";
                return Err((format!("`match.{name}` is empty and would never match"), remedy));
            }
        }
        let known = |word: &str| self.networks.iter().flatten().any(|glob| glob_match(glob, word));
        if self.networks.is_some() && !NETWORKS.iter().any(|word| known(word)) {
            return Err((
                format!(
                    "`match.networks` is {:?} and would never match",
                    self.networks.as_deref().unwrap_or_default()
                ),
                "one of `none`, `allow`, `full`, or a glob of them",
            ));
        }
        Ok(())
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

pub(crate) fn is_digest(text: &str) -> bool {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    text.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_hex))
}
