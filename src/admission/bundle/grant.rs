//! What a policy may be given beyond what every policy has.

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    Patch,
    JobEnv,
    JobFiles,
    Metrics,
    Facts,
    Kv,
    /// Patches may allow a job more than it asked for, up to the host's caps.
    Loosen,
    /// Patches may change what another policy has changed.
    Override,
}

impl Grant {
    pub const ALL: [Self; 8] = [
        Self::Patch,
        Self::JobEnv,
        Self::JobFiles,
        Self::Metrics,
        Self::Facts,
        Self::Kv,
        Self::Loosen,
        Self::Override,
    ];

    /// As in a bundle; of those that are imports, the interface's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::JobEnv => "job-env",
            Self::JobFiles => "job-files",
            Self::Metrics => "metrics",
            Self::Facts => "facts",
            Self::Kv => "kv",
            Self::Loosen => "loosen",
            Self::Override => "override",
        }
    }
}
