//! The policies in force, and how others come into force.

use admission::{Admission, BundleError, Summary};
use axum::Json;
use axum::extract::State;
use tokio::task::JoinError;
use tracing::Span;

use crate::caller::{Admin, Reader};
use crate::problem::Problem;

#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Logged already.
    #[error(transparent)]
    Refused(#[from] BundleError),
    #[error("policies are being loaded already; ask again when that is done")]
    Busy,
    #[error("loading policies failed: {0}")]
    Failed(#[from] JoinError),
}

/// Reads the bundle again. Where anything is wrong with it, the policies in force stay.
pub async fn reload_policies(admission: Admission) -> Result<Summary, ReloadError> {
    let span = Span::current();
    // It reads files and compiles.
    let reloaded = tokio::task::spawn_blocking(move || span.in_scope(|| admission.reload())).await?;
    Ok(told(reloaded)?)
}

fn told(reloaded: Result<Summary, BundleError>) -> Result<Summary, BundleError> {
    reloaded.inspect_err(|error| {
        let BundleError { bundle, line, policy, code, detail, remedy, pointer: _ } = error;
        let policy = policy.as_deref().unwrap_or_default();
        tracing::error!(
            bundle,
            line,
            policy,
            code,
            remedy,
            "policies not reloaded, those in force stay: {detail}"
        );
    })
}

pub(crate) async fn list(State(admission): State<Admission>, _: Reader) -> Json<Summary> {
    Json(admission.summary())
}

pub(crate) async fn reload(State(admission): State<Admission>, _: Admin) -> Result<Json<Summary>, Problem> {
    let span = Span::current();
    // Never in line behind another: threads that wait would be missing where policies are asked.
    let reloaded = tokio::task::spawn_blocking(move || span.in_scope(|| admission.try_reload()));
    let reloaded = reloaded.await.map_err(ReloadError::from)?.ok_or(ReloadError::Busy)?;
    Ok(Json(told(reloaded).map_err(ReloadError::from)?))
}
