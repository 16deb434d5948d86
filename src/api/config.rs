use std::time::Duration;

use model::Limits;
use schedule::Quotas;

use crate::callbacks::Allow;

/// What the operator decides about the HTTP edge.
#[derive(Clone, Debug)]
pub struct Config {
    /// What a job gets that names no limits.
    pub defaults: Limits,
    /// The most a job may ask for.
    pub caps: Limits,
    /// Names besides loopback under which this server is reached, without port.
    pub allowed_hosts: Vec<String>,
    pub max_body_bytes: usize,
    /// From the first byte of a body to its last.
    pub body_timeout: Duration,
    /// Bodies of all jobs that have not ended, together; one that does not fit is refused.
    pub max_pending_bytes: usize,
    /// As the queue has them; for callers to look at.
    pub quotas: Quotas,
    /// Of one uploaded blob.
    pub max_blob_bytes: u64,
    /// Where callbacks may go although it is not public.
    pub callback_allow: Vec<Allow>,
    /// Not ready as long as no policies are loaded.
    pub policies_required: bool,
}

impl Config {
    pub fn new(defaults: Limits, caps: Limits) -> Self {
        Self {
            defaults,
            caps,
            allowed_hosts: Vec::new(),
            max_body_bytes: 32 << 20,
            body_timeout: Duration::from_mins(1),
            max_pending_bytes: 256 << 20,
            quotas: Quotas::default(),
            max_blob_bytes: 1 << 30,
            callback_allow: Vec::new(),
            policies_required: false,
        }
    }
}
