#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

mod starts;
#[cfg(test)]
mod tests;

use stockade_policy::prelude::*;
use stockade_policy::{call, facts};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantQuota {
    default: Quota,
    #[serde(default)]
    tenants: BTreeMap<String, Quota>,
}

/// What one tenant may have at one time; a figure that is left out is no limit.
#[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the names of the settings")]
struct Quota {
    max_running_jobs: Option<u32>,
    max_queued_jobs: Option<u32>,
    max_reserved_memory_bytes: Option<u64>,
    max_starts_per_minute: Option<u64>,
}

impl Policy for TenantQuota {
    fn check(&self) -> Vec<SettingsError> {
        let nothing = Quota::default();
        if self.default == nothing && self.tenants.values().all(|quota| *quota == nothing) {
            return vec![SettingsError::new(
                "/default",
                "limits nothing: give at least one figure here or for a tenant",
            )];
        }
        Vec::new()
    }
}

impl TenantQuota {
    /// A tenant that is listed has its own quota and nothing of the default.
    fn of(&self, tenant: &str) -> &Quota {
        self.tenants.get(tenant).unwrap_or(&self.default)
    }
}

impl Validate for TenantQuota {
    fn validate(&self, job: &Job) -> Verdict {
        let tenant = job.tenant();
        let quota = self.of(&tenant);
        if let Some(max) = quota.max_running_jobs
            // One that waits may start at any moment, so many sent at once would pass together if it did not count.
            && facts::running_jobs(&tenant).saturating_add(facts::queued_jobs(&tenant)) >= max
        {
            return Err(exceeded(
                "quota-running-jobs",
                format!("{max} jobs are running or about to, as many as may"),
            ));
        }
        if let Some(max) = quota.max_queued_jobs
            && facts::queued_jobs(&tenant) >= max
        {
            return Err(exceeded(
                "quota-queued-jobs",
                format!("{max} jobs are waiting already, as many as may"),
            ));
        }
        if let Some(max) = quota.max_reserved_memory_bytes {
            memory(max, &tenant, job.memory_bytes())?;
        }
        if let Some(max) = quota.max_starts_per_minute
            && starts::in_last_minute(&tenant, call::now_unix_ms()) >= max
        {
            return Err(exceeded(
                "quota-starts",
                format!("{max} jobs were started in the last minute, as many as may"),
            ));
        }
        Ok(Notes::default())
    }
}

fn memory(max: u64, tenant: &str, asked: u64) -> Result<(), Denial> {
    const CODE: &str = "quota-memory";
    if asked > max {
        let message = format!("the job asks for {asked} bytes of memory; all jobs together may have {max}");
        return Err(Denial::new(CODE, message).field("/steps/0/limits/memory_bytes"));
    }
    let reserved = facts::reserved_memory_bytes(tenant);
    if asked > max.saturating_sub(reserved) {
        let message =
            format!("running jobs have {reserved} of {max} bytes of memory, this one asks for {asked}");
        return Err(exceeded(CODE, message));
    }
    Ok(())
}

/// It passes by itself: the same job may come again.
fn exceeded(code: &str, message: String) -> Denial {
    Denial::new(code, message).retryable()
}

impl OnStarted for TenantQuota {
    fn started(&self, job: &Job, _container: &Container) -> Additions {
        let tenant = job.tenant();
        if self.of(&tenant).max_starts_per_minute.is_some() {
            starts::count(&tenant, call::now_unix_ms());
        }
        Additions::default()
    }
}

stockade_policy::export!(TenantQuota: validation, on_started);
stockade_policy::no_std!();
