use std::time::Duration;

use model::Limits;

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
    /// Jobs that run at one time.
    pub max_running: usize,
    /// Jobs that wait for one of those to end; one more is refused.
    pub max_queued: usize,
    /// Finished jobs that can still be asked for.
    pub max_finished: usize,
    /// Outputs and artifacts of finished jobs, all together.
    pub max_finished_bytes: usize,
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
            max_running: 4,
            max_queued: 256,
            max_finished: 10_000,
            max_finished_bytes: 256 << 20,
            policies_required: false,
        }
    }
}
