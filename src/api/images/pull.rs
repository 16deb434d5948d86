//! `POST /images/pull`. The server opens connections to wherever the name leads, so this is for administrators.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, stream};
use image::{Error, Images, Info, Pull, Silent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use super::owner;
use super::progress::Heard;
use crate::caller::{Admin, Caller};
use crate::edge::RequestId;
use crate::json;
use crate::problem::Problem;
use crate::sse;

/// What to fetch from a registry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImagePull")]
pub(crate) struct Wanted {
    /// `busybox:1.36`, `ghcr.io/owner/app@sha256:…`.
    reference: String,
    /// Whose it becomes; everybody's when left out.
    tenant: Option<String>,
    /// For the registry itself, not for its mirrors; the server's own credentials when left out.
    username: Option<String>,
    password: Option<String>,
}

pub(crate) async fn pull(
    State(images): State<Images>,
    _: Admin,
    caller: Caller,
    Extension(request): Extension<RequestId>,
    headers: HeaderMap,
    json::Json { value: Wanted { reference, tenant, username, password }, .. }: json::Json<Wanted>,
) -> Result<Response, Problem> {
    let images = logged_in(images, username, password);
    let pull = Pull { reference, tenant: owner(&caller, tenant)? };
    if !sse::wanted(&headers) {
        // Whoever hangs up ends it: hyper drops this.
        return Ok(answer(images.pull(pull, Arc::new(Silent)).await.map_err(problem)?));
    }
    let heard = Arc::new(Heard::default());
    let telling = Arc::clone(&heard);
    // In a task of its own: a slow listener must not hold up who waits for the same layer.
    let work = Work(tokio::spawn(async move { images.pull(pull, telling).await }));
    Ok(sse::answer(events(Pulling { work: Some(work), heard, last: None, request })))
}

fn answer(info: Info) -> Response {
    let location = [(header::LOCATION, format!("/images/{}", info.name))];
    (StatusCode::CREATED, location, Json(info)).into_response()
}

fn problem(error: Error) -> Problem {
    Problem::of_image(error, "reference")
}

/// Ended when nobody waits for it any more; what has come stays, for the next one to go on from.
struct Work(JoinHandle<Result<Info, Error>>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Pulling {
    work: Option<Work>,
    heard: Arc<Heard>,
    /// To be told when all else is.
    last: Option<Event>,
    request: RequestId,
}

impl Pulling {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(told) = self.heard.next() {
                return Some(event("progress", &told));
            }
            let Some(work) = &mut self.work else { return self.last.take() };
            let ended = tokio::select! {
                () = self.heard.changed() => continue,
                ended = &mut work.0 => ended,
            };
            self.work = None;
            self.last = Some(match ended {
                Ok(Ok(info)) => event("image", &info),
                Ok(Err(error)) => self.failed(&problem(error)),
                Err(error) => self.failed(&Problem::internal(error.to_string())),
            });
        }
    }

    /// The answer has begun, so its status says nothing any more.
    fn failed(&self, problem: &Problem) -> Event {
        if problem.status().is_server_error() {
            tracing::error!(code = problem.name(), "pull failed: {}", problem.cause());
        }
        event("problem", &problem.value(self.request, "/images/pull"))
    }
}

fn event(name: &str, data: &impl Serialize) -> Event {
    // Texts and numbers: nothing in it could fail to serialise.
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

fn events(pulling: Pulling) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(pulling, |mut pulling| async {
        let event = pulling.next().await?;
        Some((Ok(event), pulling))
    })
}

pub(super) fn logged_in(images: Images, user: Option<String>, password: Option<String>) -> Images {
    match (user, password) {
        (None, None) => images,
        (user, password) => images.logged_in(user.unwrap_or_default(), password.unwrap_or_default()),
    }
}
