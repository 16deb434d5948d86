//! Seccomp: which system calls a job may make, and what the others return.
//!
//! A profile is data (`policies/seccomp/*.json`, or a user's own file in the form Docker and Podman read) and goes
//! through here once, when the daemon starts:
//!
//! ```text
//! document   the JSON, strictly
//! rules      names, capabilities, kernel versions -> numbers and actions for this host (`target`, `table`)
//! compile    -> a search tree of classic BPF (`assemble`)
//! program    serialised to the launcher, loaded as the last step before exec
//! ```
//!
//! Whatever a profile says, calls of a foreign architecture (i386, ARM) and of the x32 ABI kill the process: the same
//! numbers mean other calls there. `architectures` and `archMap` cannot change that.
//!
//! The shipped profiles return ENOSYS for calls they do not know, so that libraries fall back as on an older kernel,
//! and EPERM for those known to be dangerous. Invariant: on one profile the tree and a plain chain of its rules answer
//! the same for every call; the tests run both.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha256};

mod assemble;
mod compile;
mod document;
mod error;
mod program;
mod rules;
mod table;
mod target;
#[cfg(test)]
mod tests;

pub use error::{ProfileError, RuleError};
pub use program::{LoadError, Program};

use rules::Rules;
use target::Target;

const BUILTIN: [(&str, &str); 3] = [
    ("strict", include_str!("../../../policies/seccomp/strict.json")),
    ("default", include_str!("../../../policies/seccomp/default.json")),
    ("build", include_str!("../../../policies/seccomp/build.json")),
];

/// The compiled profiles, by name.
#[derive(Clone, Debug)]
pub struct Profiles(BTreeMap<String, Arc<Profile>>);

#[derive(Clone, Debug)]
pub struct Profile {
    pub name: String,
    /// `sha256:` and the hash of the JSON as it was read, for the receipt.
    pub digest: String,
    pub program: Program,
    /// Names in the JSON that are no system call of any architecture, and were passed over: typos, worth a warning.
    pub skipped: Vec<String>,
}

impl Profiles {
    /// `strict`, `default` and `build`.
    pub fn builtin() -> Self {
        let mut profiles = Self(BTreeMap::new());
        for (name, json) in BUILTIN {
            profiles.add(name, json).expect("the shipped profiles are compiled in the tests");
        }
        profiles
    }

    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.get(name).map(Arc::as_ref)
    }

    /// Compiles a profile for this host; one of the same name is replaced.
    pub fn add(&mut self, name: &str, json: &str) -> Result<(), ProfileError> {
        self.0.insert(name.to_owned(), Arc::new(Profile::compile(name, json)?));
        Ok(())
    }
}

impl Profile {
    /// For this host.
    pub fn compile(name: &str, json: &str) -> Result<Self, ProfileError> {
        let target = Target::host();
        let rules = Rules::parse(json, target)?;
        Ok(Self {
            name: name.to_owned(),
            digest: digest(json),
            program: Program::new(compile::compile(&rules, target.arch))?,
            skipped: rules.skipped.into_iter().collect(),
        })
    }
}

fn digest(json: &str) -> String {
    Sha256::digest(json).iter().fold(String::from("sha256:"), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
