use std::time::Instant;

use admission::{About, Verdict};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{Job, JobId, JobRequest};
use supervise::Io;

use crate::json::Json;
use crate::problem::{Code, Problem};
use crate::router::App;
use crate::wait::Wait;

pub(crate) async fn create(
    State(app): State<App>,
    wait: Wait,
    Json { value: request, room }: Json<JobRequest>,
) -> Result<Response, Problem> {
    let start = Instant::now();
    let spec = request.check(&app.policy)?;
    let about = About { submitter: "anonymous".into(), ..About::local(JobId::new()) };
    let admission = app.admission.clone();
    let verdict = tokio::task::spawn_blocking(move || admission.admit(spec, about)).await;
    let admitted = match verdict.map_err(|error| Problem::internal(error.to_string()))? {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Denied(denial) => return Err(Problem::new(Code::PolicyDenied, denial.reason)),
    };
    let plan = app.supervisor.plan(admitted.spec())?;
    let labels = admitted.spec().labels.clone();
    let watching = app.runner.submit(labels, start.elapsed(), |orders| async move {
        let outcome = app.supervisor.run(admitted, plan, Io::Capture, orders).await;
        drop(room);
        outcome
    })?;
    Ok(answer(&wait.on(watching).await.job))
}

/// 202 while there is more to come, 200 with the finished job.
fn answer(job: &Job) -> Response {
    let status = if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, [(header::LOCATION, format!("/jobs/{}", job.id))], axum::Json(job)).into_response()
}
