//! What can be asked of a job on its way: none of it waits until it is done, and asking again changes nothing.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::Status;
use supervise::Order;

use crate::caller::{Caller, Submitter};
use crate::jobs::{Missing, ThisJob};
use crate::problem::{Code, Problem};
use crate::router::App;
use crate::store::{Found, Store};

pub(crate) async fn cancel(
    State(store): State<Store>,
    Submitter(caller): Submitter,
    ThisJob(id): ThisJob,
) -> Result<Response, Problem> {
    match store.find(id, &caller).await? {
        // After the end it changes nothing either.
        Found::Ended(job) => Ok((StatusCode::ACCEPTED, Json(&*job)).into_response()),
        Found::Live(live) => {
            live.order(Order::Cancel);
            let job = live.job().ok_or(Missing::Job)?;
            Ok((StatusCode::ACCEPTED, Json(&*job)).into_response())
        }
    }
}

pub(crate) async fn pause(
    State(app): State<App>,
    Submitter(caller): Submitter,
    this: ThisJob,
) -> Result<Response, Problem> {
    if !app.supervisor.can_pause() {
        let detail = "cgroup.freeze: this host has no freezer for the groups of jobs";
        return Err(Problem::new(Code::UnsupportedLayer, detail));
    }
    running(&app.store, &caller, this, Order::Pause).await
}

pub(crate) async fn resume(
    State(store): State<Store>,
    Submitter(caller): Submitter,
    this: ThisJob,
) -> Result<Response, Problem> {
    running(&store, &caller, this, Order::Resume).await
}

async fn running(
    store: &Store,
    caller: &Caller,
    ThisJob(id): ThisJob,
    order: Order,
) -> Result<Response, Problem> {
    let not_running = || Problem::new(Code::JobNotRunning, "only a job that runs can be paused or resumed");
    let Found::Live(live) = store.find(id, caller).await? else { return Err(not_running()) };
    let job = live.job().ok_or(Missing::Job)?;
    if job.status != Status::Running {
        return Err(not_running());
    }
    live.order(order);
    Ok((StatusCode::ACCEPTED, Json(&*job)).into_response())
}

/// The record of a job that has ended, and all that belongs to it alone.
pub(crate) async fn delete(
    State(store): State<Store>,
    Submitter(caller): Submitter,
    ThisJob(id): ThisJob,
) -> Result<StatusCode, Problem> {
    let Found::Ended(_) = store.find(id, &caller).await? else {
        let detail = "the job has not ended; cancel it first";
        return Err(Problem::new(Code::JobNotFinished, detail));
    };
    store.journal.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
