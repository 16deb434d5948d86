use std::time::Instant;

use admission::Verdict;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Job, JobRequest};
use supervise::Io;

use crate::admit::admit;
use crate::edge::RequestId;
use crate::jobs::dry_run::dry_run;
use crate::json::Json;
use crate::problem::Problem;
use crate::router::App;
use crate::runner::Entry;
use crate::wait::Intent;

pub(crate) async fn create(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    intent: Intent,
    Json { value: request, room }: Json<JobRequest>,
) -> Result<Response, Problem> {
    let start = Instant::now();
    let spec = request.check(&app.policy)?;
    let Intent::Run(wait) = intent else { return dry_run(&app, spec, request_id) };
    let place = app.runner.reserve()?;
    let (verdict, seat) = admit(&app.admission, &app.records, spec, request_id);
    let admitted = match verdict {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Denied(denial) => return Err(denial.into()),
    };
    let plan = app.supervisor.plan(admitted.spec())?;
    let entry = Entry::new(&admitted, seat, start.elapsed());
    let watching = app.runner.submit(place, entry, |orders| async move {
        let outcome = app.supervisor.run(admitted, plan, Io::Capture, orders).await;
        drop(room);
        outcome
    });
    Ok(answer(&wait.on(watching).await.job))
}

/// 202 while there is more to come, 200 with the finished job.
fn answer(job: &Job) -> Response {
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, [(header::LOCATION, format!("/jobs/{}", job.id))], axum::Json(job)).into_response()
}
