use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::Job;

use crate::caller::Reader;
use crate::digest::Digest;
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
    answer(&job, &headers).await
}

/// A strong validator: the representation follows from the events, and each has another number.
async fn answer(job: &Job, request: &HeaderMap) -> Result<Response, Problem> {
    let body = serde_json::to_vec(job).map_err(|error| Problem::internal(error.to_string()))?;
    let body = Bytes::from(body);
    let tag = Digest::of_all(body.clone()).await?.tag();
    if known(&tag, request) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = (header::CONTENT_TYPE, "application/json".to_owned());
    Ok(([kind, (header::ETAG, tag), (header::CACHE_CONTROL, "no-cache".into())], body).into_response())
}
