use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use supervise::Order;

use crate::jobs::{Missing, ThisJob};
use crate::problem::Problem;
use crate::records::Records;

/// Asks for the end and does not wait for it. Asking again, or after the end, changes nothing.
pub(crate) async fn cancel(
    State(records): State<Records>,
    ThisJob(id): ThisJob,
) -> Result<Response, Problem> {
    let snapshot = records.order(id, Order::Cancel).ok_or(Missing::Job)?;
    Ok((StatusCode::ACCEPTED, Json(&snapshot.job)).into_response())
}
