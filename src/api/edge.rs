//! What every request gets, whatever becomes of it: an id, a problem body where it failed, one line in the log.

use std::any::Any;
use std::fmt;

use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use tracing::field::Empty;
use uuid::Uuid;

use crate::problem::{Code, Problem};

const REQUEST_ID: &str = "x-request-id";

/// An extension of every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(Uuid);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

pub(crate) async fn edge(mut request: Request, next: Next) -> Response {
    // Made here and never taken from the client, who could forge another request's lines in the log with it.
    let made = RequestId(Uuid::now_v7());
    request.extensions_mut().insert(made);
    let mut buffer = Uuid::encode_buffer();
    let id: &str = made.0.hyphenated().encode_lower(&mut buffer);
    let uri = request.uri().clone();
    let span = tracing::info_span!("request", request_id = id, method = %request.method(), path = uri.path(), trace_id = Empty);
    let brings_body = has_body(&request);
    let mut response = next.run(request).instrument(span.clone()).await;
    let mut judged = false;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        *response.body_mut() = problem.body(id, uri.path());
        judged = problem.is_policys();
        span.in_scope(|| log(&problem));
    }
    if brings_body && !judged && refused_unread(response.status()) {
        // hyper closes a connection on which a body was left; a client must not find that out with its next request.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn has_body(request: &Request) -> bool {
    request.headers().contains_key(TRANSFER_ENCODING)
        || request.headers().get(CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// What is answered before anybody looks at the body; but for what policies say, who look at all of it.
fn refused_unread(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::MISDIRECTED_REQUEST
    )
}

/// Our own faults are errors; a caller's, and what passes by itself, are of interest only to whoever looks for them.
fn log(problem: &Problem) {
    let (status, code) = (problem.status().as_u16(), problem.name());
    if problem.is_policys() {
        // It was told already, with what only who asked the policies knows.
    } else if problem.is_fault() {
        tracing::error!(status, code, "request failed: {}", problem.cause());
    } else {
        tracing::debug!(status, code, "request refused: {}", problem.cause());
    }
}

pub(crate) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = match cause.downcast::<String>() {
        Ok(text) => *text,
        Err(cause) => (*cause.downcast_ref::<&str>().unwrap_or(&"without a message")).to_owned(),
    };
    Problem::internal(format!("panic: {text}")).into_response()
}

pub(crate) async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "nothing is served under this path")
}

/// axum adds `Allow`, which RFC 9110 §15.5.6 asks for.
pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(
        Code::MethodNotAllowed,
        "this resource does not have this method; `Allow` lists those it has",
    )
}

#[cfg(test)]
mod tests;
