//! `POST /jobs/{id}/commit`: an image of a paused job.

use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::{CommitRequest, Committed, FieldError, IdMapReceipt};
use supervise::{Changes, Order};

use crate::caller::Submitter;
use crate::jobs::{Missing, ThisJob};
use crate::json::Json;
use crate::problem::{Code, Problem};
use crate::router::App;
use crate::store::Found;

/// A paused program's sandbox answers at once; one that stands between two programs does not.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn commit(
    State(app): State<App>,
    Submitter(caller): Submitter,
    ThisJob(id): ThisJob,
    Json { value: request, .. }: Json<CommitRequest>,
) -> Result<Response, Problem> {
    let Found::Live(live) = app.store.find(id, &caller).await? else {
        let detail = "it has ended: a job's own `commit` makes an image when it succeeds";
        return Err(Problem::new(Code::JobNotPaused, detail));
    };
    let job = live.job().ok_or(Missing::Job)?;
    let not_paused = |detail: &str| Problem::new(Code::JobNotPaused, detail);
    if !job.paused {
        return Err(not_paused("pause it first: what a running job writes is not whole"));
    }
    let Some((base, id_map)) = job.isolation.as_ref().and_then(|receipt| {
        let IdMapReceipt { inside_uid, .. } = receipt.id_map;
        Some((receipt.image.as_ref()?.digest.clone(), inside_uid))
    }) else {
        let detail = "the job runs on `host`, which is no image that a layer could be added to";
        return Err(
            vec![FieldError { pointer: String::new(), code: "conflict", detail: detail.into() }].into()
        );
    };
    live.order(Order::Changes);
    let changes = tokio::time::timeout(PATIENCE, live.changed.next()).await;
    let Ok(Changes { root: Some(upper), workspace }) = changes else {
        return Err(not_paused("it stands between two programs: resume it, and pause it while one runs"));
    };
    let info = app.images.commit(image::Changes {
        base: Some(base),
        upper,
        workspace: request.workspace.then_some(workspace),
        user: id_map,
        name: request.image,
        tenant: Some(job.tenant.clone()),
    });
    let info = info.await?;
    if !live.job().is_some_and(|job| job.paused) {
        return Err(not_paused("it went on before the image was made: do not use that image"));
    }
    let committed = Committed { reference: info.name, digest: info.digest };
    Ok((StatusCode::CREATED, Answer(committed)).into_response())
}
