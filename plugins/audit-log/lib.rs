#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

#[cfg(test)]
mod tests;

use stockade_policy::prelude::*;
use stockade_policy::{log, metrics};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditLog {
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    log: bool,
}

/// Of annotations in a job's record, less those that are always there.
const MAX_LABELS: usize = 16;

impl Policy for AuditLog {
    fn check(&self) -> Vec<SettingsError> {
        if self.labels.len() > MAX_LABELS {
            return vec![SettingsError::new("/labels", format!("holds more than {MAX_LABELS}"))];
        }
        Vec::new()
    }
}

impl OnStarted for AuditLog {
    fn started(&self, job: &Job, container: &Container) -> Additions {
        metrics::increment("started", 1);
        let degraded = container.degraded();
        if !degraded.is_empty() {
            metrics::increment("started_degraded", 1);
        }
        let (tenant, submitter, image) = (job.tenant(), job.submitter(), job.image());
        if self.log {
            log::info(&format!(
                "started job={} tenant={tenant} submitter={submitter} image={image}",
                job.id()
            ));
        }
        let mut additions = Additions::new()
            .annotation("audit.tenant", tenant)
            .annotation("audit.submitter", submitter)
            .annotation("audit.image", job.image_digest().unwrap_or(image))
            .annotation("audit.host_uid", container.host_uid().to_string())
            .annotation("audit.id_map", container.id_map())
            .annotation("audit.network", container.network())
            .annotation("audit.degraded", degraded.join(","));
        for key in &self.labels {
            additions =
                additions.annotation(format!("audit.label.{key}"), job.label(key).unwrap_or_default());
        }
        additions
    }
}

impl OnExited for AuditLog {
    fn exited(&self, job: &Job, _container: &Container, outcome: &Outcome) -> Additions {
        let status = outcome.status();
        metrics::increment("exited", 1);
        metrics::increment(counter(&status), 1);
        metrics::increment("cpu_time_ms", outcome.cpu_time_us() / 1000);
        metrics::increment("wall_time_ms", outcome.wall_time_us() / 1000);
        if self.log {
            log::info(&format!("exited job={} tenant={} status={status}", job.id(), job.tenant()));
        }
        let mut additions = Additions::new()
            .annotation("audit.cpu_time_us", outcome.cpu_time_us().to_string())
            .annotation("audit.wall_time_us", outcome.wall_time_us().to_string())
            .annotation("audit.memory_peak_bytes", outcome.memory_peak_bytes().to_string());
        if let Some(code) = outcome.exit_code() {
            additions = additions.annotation("audit.exit_code", code.to_string());
        }
        if let Some(signal) = outcome.signal() {
            additions = additions.annotation("audit.signal", signal);
        }
        if let Some(cause) = outcome.cause() {
            additions = additions.annotation("audit.cause", cause);
        }
        additions.annotation("audit.status", status)
    }
}

/// Counters are declared one by one in `policy.toml`.
fn counter(status: &str) -> &'static str {
    match status {
        "succeeded" => "exited_succeeded",
        "failed" => "exited_failed",
        "signaled" => "exited_signaled",
        "timed_out" => "exited_timed_out",
        "memory_exceeded" => "exited_memory_exceeded",
        "output_exceeded" => "exited_output_exceeded",
        "disk_exceeded" => "exited_disk_exceeded",
        "security_violation" => "exited_security_violation",
        "cancelled" => "exited_cancelled",
        "internal_error" => "exited_internal_error",
        _ => "exited_other",
    }
}

stockade_policy::export!(AuditLog: on_started, on_exited);
stockade_policy::no_std!();
