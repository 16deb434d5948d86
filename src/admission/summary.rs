//! The policies in force, for whoever asks.

use jiff::Timestamp;
use model::{Hook, Mode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::Admission;
use crate::bundle::Grant;
use crate::policy::Policy;
use crate::stats::PolicyStats;

/// The policies in force, as `GET /policies` gives them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Policies")]
pub struct Summary {
    pub generation: u64,
    /// As named when it was loaded; `null` where there are no policies.
    pub bundle: Option<String>,
    pub loaded_at: Timestamp,
    pub policies: Vec<PolicySummary>,
}

/// A policy in force.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Policy")]
pub struct PolicySummary {
    pub name: String,
    pub plugin: String,
    pub digest: String,
    pub order: i32,
    pub mode: Mode,
    pub hooks: Vec<Hook>,
    pub grants: Vec<String>,
    pub timeout_ms: u64,
    pub memory_bytes: u64,
    pub stats: PolicyStats,
}

impl Admission {
    pub fn summary(&self) -> Summary {
        let set = self.core.current.load_full();
        Summary {
            generation: set.generation,
            bundle: set.bundle.clone(),
            loaded_at: set.loaded_at,
            policies: set.policies.iter().map(|policy| policy.summary()).collect(),
        }
    }
}

impl Policy {
    fn summary(&self) -> PolicySummary {
        let grant = |grant: &Grant| grant.word().to_owned();
        PolicySummary {
            name: self.name.to_string(),
            plugin: self.plugin.clone(),
            digest: self.digest.clone(),
            order: self.order,
            mode: self.mode,
            hooks: self.hooks.names(),
            grants: self.grants.iter().map(grant).collect(),
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: self.memory as u64,
            stats: self.stats.now(),
        }
    }
}
