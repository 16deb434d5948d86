use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use supervise::Supervisor;

use crate::problem::{Code, Problem};
use crate::router::App;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    #[schemars(extend("const" = "ok"))]
    status: &'static str,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Readiness {
    #[schemars(extend("const" = "ok"))]
    status: &'static str,
    /// Of the policies in force; 0 where there are none.
    generation: u64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Version {
    name: &'static str,
    version: &'static str,
}

/// Whether this process is of any use: without its launcher only a new start helps.
pub(crate) async fn healthz(State(supervisor): State<Supervisor>) -> Result<Json<Health>, Problem> {
    alive(&supervisor)?;
    Ok(Json(Health { status: "ok" }))
}

/// Whether a job that is sent now would be decided and run.
pub(crate) async fn readyz(State(app): State<App>) -> Result<Json<Readiness>, Problem> {
    alive(&app.supervisor)?;
    let policies = app.admission.summary();
    if app.policies_required && policies.bundle.is_none() {
        return Err(Problem::new(Code::NotReady, "the policies of this server are not loaded"));
    }
    Ok(Json(Readiness { status: "ok", generation: policies.generation }))
}

/// A launcher that died is followed by another, unless that happens again and again.
pub(crate) fn alive(supervisor: &Supervisor) -> Result<(), Problem> {
    let gone = || Problem::new(Code::LauncherGone, "the launcher ended too often; start the server again");
    supervisor.is_alive().then_some(()).ok_or_else(gone)
}

pub(crate) async fn version() -> Json<Version> {
    Json(Version { name: "stockade", version: env!("CARGO_PKG_VERSION") })
}
