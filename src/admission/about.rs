use std::collections::BTreeMap;

use jiff::Timestamp;
use model::JobId;
use serde::{Deserialize, Serialize};

/// What is known about a job beside what it asks for. One for all calls of one decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct About {
    pub id: JobId,
    pub tenant: String,
    /// `local`, `anonymous` or the token's name.
    pub submitter: String,
    /// Empty outside of HTTP.
    pub request_id: String,
    /// The time, for all calls.
    pub now: Timestamp,
    pub facts: Facts,
}

/// By tenant; who is not there has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    pub running_jobs: BTreeMap<String, u32>,
    pub queued_jobs: BTreeMap<String, u32>,
    /// Memory limits of running jobs together.
    pub reserved_memory_bytes: BTreeMap<String, u64>,
}

impl About {
    /// For a job of this user on this machine, now.
    pub fn local(id: JobId) -> Self {
        Self {
            id,
            tenant: "default".into(),
            submitter: "local".into(),
            request_id: String::new(),
            now: Timestamp::now(),
            facts: Facts::default(),
        }
    }
}

/// As policies are told the time.
pub(crate) fn unix_ms(time: Timestamp) -> u64 {
    u64::try_from(time.as_millisecond()).unwrap_or(0)
}
