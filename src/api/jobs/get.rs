use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Job;

use crate::caller::Reader;
use crate::etag::known;
use crate::jobs::ThisJob;
use crate::problem::Problem;
use crate::store::Store;
use crate::wait::Wait;

pub(crate) async fn get(
    State(store): State<Store>,
    Reader(caller): Reader,
    ThisJob(id): ThisJob,
    wait: Wait,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = store.find(id, &caller).await?;
    let job = wait.on(found).await?;
    Ok(answer(&job, &headers))
}

/// A strong validator: the representation follows from the events, and each has another number.
fn answer(job: &Job, request: &HeaderMap) -> Response {
    let body = match serde_json::to_vec(job) {
        Ok(body) => body,
        Err(error) => return Problem::internal(error.to_string()).into_response(),
    };
    let tag = crate::etag::of(&body);
    if known(&tag, request) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let kind = (header::CONTENT_TYPE, "application/json".to_owned());
    ([kind, (header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".into())], body).into_response()
}
