use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::routing::post;
use hyper::body::Frame;
use model::JobRequest;
use serde_json::{Value, json};

use super::{Intake, Json, JsonError};
use crate::guard::Guard;
use crate::router::layered;
use crate::testing::{Answer, request, send};

fn routes() -> Router {
    let intake = Intake::new(1000, Duration::from_millis(100), 1500);
    let handler = |Json { value: request, .. }: Json<JobRequest>| async move { axum::Json(request) };
    layered(Router::new().route("/jobs", post(handler)), Guard::new(&[])).with_state(intake)
}

async fn posted(kind: &str, body: impl Into<Body>) -> Answer {
    send(
        &routes(),
        request("POST", "/jobs").header("content-type", kind).body(body.into()).expect("a valid request"),
    )
    .await
}

#[tokio::test]
async fn says_where_a_syntax_error_is() {
    let answer = posted("application/json", "{\n \"image\" 1}").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.problem(), "malformed_json");
    assert_eq!(answer.json()["errors"][0]["pointer"], "");
    assert!(
        answer.json()["detail"].as_str().is_some_and(|d| d.ends_with("at line 2 column 10")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn says_which_field_is_wrong() {
    let answer = posted("application/json", r#"{"limits":{"foo":1}}"#).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.problem(), "invalid_job");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/limits/foo");
    assert_eq!(answer.json()["instance"], "/jobs");
}

#[tokio::test]
async fn takes_json_and_nothing_else() {
    for kind in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(posted(kind, "{}").await.status, StatusCode::OK);
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let answer = posted(kind, "{}").await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(answer.problem(), "unsupported_media_type");
    }
    let packed = request("POST", "/jobs")
        .header("content-type", "application/json")
        .header("content-encoding", "gzip");
    let answer = send(&routes(), packed.body("{}".into()).expect("a valid request")).await;
    assert_eq!(answer.problem(), "unsupported_media_type");
}

/// Chunks without end, or nothing at all for ever. Panics when more is read than was to be.
struct Endless {
    chunk: Option<Bytes>,
    reads: usize,
}

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(chunk) = self.chunk.clone() else { return Poll::Pending };
        self.reads += 1;
        assert!(self.reads <= 11, "read on past the limit");
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}

#[tokio::test]
async fn stops_reading_where_the_limit_is() {
    let exact = format!("{{{}}}", " ".repeat(998));
    assert_eq!(posted("application/json", exact).await.status, StatusCode::OK);
    let announced = posted("application/json", " ".repeat(1001)).await;
    let chunked =
        posted("application/json", Body::new(Endless { chunk: Some(vec![b' '; 100].into()), reads: 0 }))
            .await;
    for answer in [announced, chunked] {
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.problem(), "body_too_large");
    }
}

#[tokio::test]
async fn takes_no_more_than_there_is_room_for() {
    let intake = Intake::new(1000, Duration::from_secs(5), 1500);
    let held = intake.take(" ".repeat(1000).into()).await.expect("room");
    assert_eq!(intake.room.available_permits(), 500);
    assert!(matches!(intake.take(" ".repeat(501).into()).await, Err(JsonError::NoRoom)));
    assert_eq!(intake.room.available_permits(), 500);
    drop(held);
    assert_eq!(intake.room.available_permits(), 1500);
}

#[tokio::test]
async fn gives_up_on_a_body_that_does_not_come() {
    let answer = posted("application/json", Body::new(Endless { chunk: None, reads: 0 })).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
    assert_eq!(answer.problem(), "body_timeout");
}

#[tokio::test]
async fn parses_a_large_body_beside_the_workers() {
    let intake = Intake::new(2 << 20, Duration::from_secs(5), 2 << 20);
    let handler =
        |Json { value, .. }: Json<JobRequest>| async move { axum::Json(json!(value.labels["a"].len())) };
    let routes = layered(Router::new().route("/jobs", post(handler)), Guard::new(&[])).with_state(intake);
    let body = json!({"labels": {"a": "x".repeat(1 << 20)}}).to_string();
    let posted = request("POST", "/jobs")
        .header("content-type", "application/json")
        .body(body.into())
        .expect("a valid request");
    assert_eq!(send(&routes, posted).await.json(), Value::from(1 << 20));
}
