use std::time::{Duration, Instant};

use admission::{Admitted, Verdict};
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use image::Resolved;
use model::{Job, JobRequest, JobSpec, StepSpec};
use schedule::Ask;
use tokio::sync::OwnedSemaphorePermit;

use crate::admit::admit;
use crate::blobs::{Form, fill};
use crate::caller::{Caller, Submitter};
use crate::edge::RequestId;
use crate::health::alive;
use crate::held::{Held, image};
use crate::idempotency::{Claim, Claimed, Key};
use crate::jobs::dry_run::dry_run;
use crate::json::Json;
use crate::problem::Problem;
use crate::router::App;
use crate::runner::Entry;
use crate::store::Found;
use crate::telemetry::Parent;
use crate::wait::Intent;

pub(crate) async fn create(
    State(app): State<App>,
    Submitter(caller): Submitter,
    Extension(request_id): Extension<RequestId>,
    intent: Intent,
    key: Key,
    parent: Parent,
    Json { value: request, mut room, digest }: Json<JobRequest>,
) -> Result<Response, Problem> {
    let start = Instant::now();
    let Intent::Run(wait) = intent else {
        let (spec, image) = spec(&app, request, &caller, &mut room).await?;
        return dry_run(&app, spec, image, request_id, &caller);
    };
    let claim = match app.idempotency.claim(key, &caller.tenant, digest, &app.store).await? {
        Claim::New(claim) => claim,
        Claim::Known(id) => {
            let job = wait.on(app.store.find(id, &caller).await?).await?;
            return Ok(([("idempotent-replayed", "true")], answer(&job, stands(&job))).into_response());
        }
    };
    alive(&app.supervisor)?;
    app.store.journal.room()?;
    // Before policies are asked: a job that there is no room for should cost next to nothing.
    app.runner.queue.room(&caller.tenant)?;
    let (spec, image) = spec(&app, request, &caller, &mut room).await?;
    let (verdict, seat) = admit(&app, spec, request_id, &caller);
    let telemetry = &app.runner.telemetry;
    let admitted = match verdict {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Denied(denial) => {
            telemetry.denied(parent, start, &caller.tenant, &denial.decisions);
            return Err(denial.into());
        }
    };
    let held = Held::take(&app.images, &caller.tenant, admitted.spec(), image).await?;
    let plan = app.supervisor.plan(admitted.spec(), held.sources())?;
    let ask = ask(&admitted, start.elapsed());
    let ticket = app.runner.queue.submit_seated(ask, seat)?;
    let idempotency = claim.as_ref().map(Claimed::to_keep);
    let admit = start.elapsed();
    let trace = telemetry.begin(parent, start).asked(admitted.about().now);
    trace.tell_log();
    let entry = Entry { admitted, held, plan, ticket, idempotency, admit, trace, room: Some(room) };
    let (live, taken) = app.runner.submit(entry);
    taken.await.map_err(|_| Problem::internal("the job's task ended before it began".into()))??;
    drop(claim);
    let job = wait.on(Found::Live(live)).await?;
    // Who does not wait is told one thing, however soon the job ends.
    let status = if wait.is_none() { StatusCode::ACCEPTED } else { stands(&job) };
    Ok(answer(&job, status))
}

/// Checked, with the bytes of the blobs that it names, and the image.
async fn spec(
    app: &App,
    request: JobRequest,
    caller: &Caller,
    room: &mut OwnedSemaphorePermit,
) -> Result<(JobSpec, Option<Resolved>), Problem> {
    let form = Form::of(&request);
    let image = match request.image() {
        None => None,
        Some(reference) => Some(image(&app.images, &caller.tenant, reference).await?),
    };
    let mut spec = request.check_over(&app.policy, image.as_ref().map(|resolved| &resolved.image))?;
    if let Some(callback) = &spec.callback {
        app.runner.callbacks.check(callback).map_err(|error| vec![error])?;
    }
    fill(&mut spec, form, &app.store, &caller.tenant, room).await?;
    Ok((spec, image))
}

/// Steps run one after the other, so the largest is what the host must have; beside a case stands what the steps before it
/// have left. `waited` is the time since it was sent.
pub(crate) fn ask(admitted: &Admitted<JobSpec>, waited: Duration) -> Ask {
    let (spec, about) = (admitted.spec(), admitted.about());
    let sandboxes = |step: &StepSpec| if step.cases.is_empty() { 1 } else { 2 };
    let memory = |step: &StepSpec| step.limits.memory_bytes.saturating_mul(sandboxes(step));
    let left = spec.queue_timeout_ms.map(|time| Duration::from_millis(time).saturating_sub(waited));
    Ask {
        id: about.id,
        tenant: about.tenant.clone(),
        priority: spec.priority,
        memory_bytes: spec.steps.iter().map(memory).max().unwrap_or(0),
        cpu_millis: spec.steps.iter().map(|step| cpu_millis(&step.limits)).max().unwrap_or(0),
        deadline: left.map(|left| tokio::time::Instant::now() + left),
        counted: true,
    }
}

/// `cpus` is checked to be a small positive number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few CPUs in thousandths")]
fn cpu_millis(limits: &model::Limits) -> u64 {
    (limits.cpus * 1000.0).ceil() as u64
}

/// 202 while there is more to come, 200 with the finished job.
fn stands(job: &Job) -> StatusCode {
    if job.status.is_final() { StatusCode::OK } else { StatusCode::ACCEPTED }
}

fn answer(job: &Job, status: StatusCode) -> Response {
    (status, [(header::LOCATION, format!("/jobs/{}", job.id))], axum::Json(job)).into_response()
}
