//! The names of `sdk/wit`: what a component may export and import.

/// The version this binary speaks. A component of any 0.1.x may be loaded; whether its functions are all there, linking tells.
pub const VERSION: &str = "0.1.0";
const PACKAGE: &str = "stockade:policy/";
const TRACK: &str = "0.1.";

/// Interfaces that a policy may export.
pub const HOOKS: [&str; 7] =
    ["configuration", "mutation", "validation", "pre-start", "on-started", "on-exited", "connection"];
/// Checked at load, not called about a job: alone it makes no policy.
pub const CONFIGURATION: &str = HOOKS[0];

/// Interfaces that every policy may import. `types` holds no function.
pub const ALWAYS_THERE: [&str; 6] = ["types", "log", "call", "job", "container", "outcome"];

/// Interfaces that a policy may import where its bundle grants them.
pub const GRANTS: [&str; 6] = ["patch", "job-env", "job-files", "metrics", "facts", "kv"];

/// `stockade:policy/NAME@0.1.PATCH`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface<'a> {
    pub name: &'a str,
    pub patch: u32,
}

impl<'a> Interface<'a> {
    /// None for every other name; pre-releases, which no version is compatible with, are among them.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (name, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
        let patch = version.strip_prefix(TRACK)?;
        let digits = patch.bytes().all(|byte| byte.is_ascii_digit());
        Some(Self { name, patch: patch.parse().ok().filter(|_| digits)? })
    }

    /// As it stands in `names`, if it does.
    pub fn among(self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| *name == self.name)
    }

    /// The version as a text.
    pub fn version(self) -> String {
        format!("{TRACK}{}", self.patch)
    }
}

/// The version of `stockade:policy` in a name of it, for one that this binary does not speak.
pub fn other_version(name: &str) -> Option<&str> {
    let (_, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    Interface::parse(name).is_none().then_some(version)
}

#[cfg(test)]
mod tests;
