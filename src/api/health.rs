use axum::Json;
use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Version {
    name: &'static str,
    version: &'static str,
}

/// The process answers. Whether it is ready for jobs is another question.
pub(crate) async fn healthz() -> Json<Health> {
    Json(Health { status: "ok" })
}

pub(crate) async fn version() -> Json<Version> {
    Json(Version { name: "stockade", version: env!("CARGO_PKG_VERSION") })
}
