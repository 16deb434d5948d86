use model::JobId;
use tokio::time::Instant;

/// What a job needs to run, and how it waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub id: JobId,
    pub tenant: String,
    /// The higher goes first, among the jobs of its tenant.
    pub priority: i32,
    pub memory_bytes: u64,
    /// Thousandths of a CPU.
    pub cpu_millis: u64,
    /// When it is too late to start; `None`: it may wait for ever.
    pub deadline: Option<Instant>,
    /// False for a job that was taken in before: neither quota nor queue limit may refuse it.
    pub counted: bool,
}

/// What there is to give. With more CPUs than the host has, jobs share them; with more memory, they are killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Sandboxes that run at one time, at least 1.
    pub slots: usize,
    pub memory_bytes: u64,
    /// Thousandths of a CPU.
    pub cpu_millis: u64,
    /// Jobs that wait, of all tenants.
    pub max_queued: usize,
}
