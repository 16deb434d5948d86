use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use crate::jobs::{Missing, ThisJob};
use crate::problem::Problem;
use crate::records::Records;
use crate::wait::Wait;

pub(crate) async fn get(
    State(records): State<Records>,
    ThisJob(id): ThisJob,
    wait: Wait,
) -> Result<Response, Problem> {
    let watching = records.watch(id).ok_or(Missing::Job)?;
    let snapshot = wait.on(watching).await;
    Ok(Json(&snapshot.job).into_response())
}
