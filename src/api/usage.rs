//! `GET /usage`: what a tenant has and may have.

use axum::Json;
use axum::extract::State;
use schedule::{Quota, TenantLoad};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Reader;
use crate::problem::Problem;
use crate::query::Query;
use crate::router::App;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Parameters {
    /// Another than the caller's own: for admins.
    tenant: Option<String>,
}

/// What a tenant has, and may have.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TenantUsage")]
pub(crate) struct Usage {
    tenant: String,
    queued: u32,
    running: u32,
    reserved_memory_bytes: u64,
    reserved_cpus: f64,
    started_last_minute: u32,
    /// Finished jobs that can still be asked for.
    jobs: u64,
    /// What they take on disk.
    journal_bytes: u64,
    /// Uploads.
    blob_bytes: u64,
    quota: Allowed,
}

/// `null` where only the host's own limits hold.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quota")]
struct Allowed {
    max_running: Option<u32>,
    max_queued: Option<u32>,
    max_per_minute: Option<u32>,
    weight: u32,
}

pub(crate) async fn usage(
    State(app): State<App>,
    Reader(caller): Reader,
    Query(Parameters { tenant }): Query<Parameters>,
) -> Result<Json<Usage>, Problem> {
    let tenant = caller.tenant_or(tenant)?;
    let name = tenant.clone();
    let stored = app.store.read(move |journal| journal.usage(&name)).await?;
    let load = app.runner.queue.load().tenants.remove(&tenant).unwrap_or_default();
    let TenantLoad { queued, running, reserved_memory_bytes, reserved_cpu_millis, started_last_minute } =
        load;
    let Quota { max_running, max_queued, max_per_minute, weight } = app.config.quotas.of(&tenant);
    Ok(Json(Usage {
        tenant,
        queued,
        running,
        reserved_memory_bytes,
        #[expect(clippy::cast_precision_loss, reason = "thousandths of a few CPUs")]
        reserved_cpus: reserved_cpu_millis as f64 / 1000.0,
        started_last_minute,
        jobs: stored.jobs,
        journal_bytes: stored.bytes,
        blob_bytes: stored.blob_bytes,
        quota: Allowed { max_running, max_queued, max_per_minute, weight },
    }))
}
