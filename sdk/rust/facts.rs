//! Grant `facts`: what the daemon knows. One snapshot for all calls about one decision.

use alloc::string::String;

use crate::host::facts;

/// Of a tenant, this job not counted.
pub fn running_jobs(tenant: &str) -> u32 {
    facts::running_jobs(tenant)
}

/// Of a tenant, this job not counted.
pub fn queued_jobs(tenant: &str) -> u32 {
    facts::queued_jobs(tenant)
}

/// Memory limits of a tenant's running jobs together.
pub fn reserved_memory_bytes(tenant: &str) -> u64 {
    facts::reserved_memory_bytes(tenant)
}

/// An entry of a table that the bundle gives.
pub fn lookup(table: &str, key: &str) -> Option<String> {
    facts::lookup(table, key)
}
