use axum::Json;
use axum::extract::State;
use serde::Serialize;
use supervise::Supervisor;

use crate::problem::{Code, Problem};

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Version {
    name: &'static str,
    version: &'static str,
}

/// Whether this process is of any use: without its launcher only a new start helps.
pub(crate) async fn healthz(State(supervisor): State<Supervisor>) -> Result<Json<Health>, Problem> {
    if supervisor.is_alive() {
        Ok(Json(Health { status: "ok" }))
    } else {
        Err(Problem::new(Code::LauncherGone, "the launcher has ended; start the server again"))
    }
}

pub(crate) async fn version() -> Json<Version> {
    Json(Version { name: "stockade", version: env!("CARGO_PKG_VERSION") })
}
