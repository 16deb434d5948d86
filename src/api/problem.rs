//! The one place where an error becomes an answer: `application/problem+json` (RFC 9457).

mod code;
mod image;
mod policy;
mod request;
mod stored;

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::FieldError;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::edge::RequestId;
pub(crate) use code::Code;

/// An error on its way out. It travels as an extension of a response without a body, because only [`crate::edge`] knows
/// the request id and the path that belong into the body.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<Member>,
    extensions: Map<String, Value>,
    retry_after: Option<Duration>,
    /// For the log only.
    internal: Option<String>,
}

/// RFC 9457. Some kinds have more fields: those of denials `policy`, those of bundles `bundle` and `line`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(crate) struct Document<'a> {
    /// `urn:stockade:problem:` and a word to branch on.
    #[serde(rename = "type")]
    #[schemars(regex(pattern = "^urn:stockade:problem:[a-z_]+$"))]
    kind: String,
    title: &'static str,
    status: u16,
    /// What is wrong with this very request, for a person.
    detail: &'a str,
    /// The path of the request.
    instance: &'a str,
    /// As in `X-Request-Id` and in the server's log.
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[Member]>::is_empty")]
    errors: &'a [Member],
    #[serde(flatten)]
    extensions: &'a Map<String, Value>,
}

/// One of several things that are wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "WrongField")]
struct Member {
    /// JSON pointer (RFC 6901) into the body; empty where the job as a whole is meant.
    pointer: String,
    /// One of ours, or a policy's own.
    code: Cow<'static, str>,
    detail: String,
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            extensions: Map::new(),
            retry_after: None,
            internal: None,
        }
    }

    pub(crate) fn internal(cause: String) -> Self {
        let detail = "this is a fault of the server; its log has the cause under this request id";
        Self { internal: Some(cause), ..Self::new(Code::InternalError, detail) }
    }

    fn at(code: Code, detail: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self { errors: errors.into_iter().map(Member::from).collect(), ..Self::new(code, detail) }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.code.status()
    }

    pub(crate) fn name(&self) -> &'static str {
        self.code.name()
    }

    /// The sentence for the log: what the client is not told, where there is such a thing.
    pub(crate) fn cause(&self) -> &str {
        self.internal.as_deref().unwrap_or(&self.detail)
    }

    /// Whether policies were asked, and this is their answer.
    pub(crate) fn is_policys(&self) -> bool {
        use Code::{PolicyBusy, PolicyDenied, PolicyDeniedNow, PolicyFailed};
        matches!(self.code, PolicyBusy | PolicyDenied | PolicyDeniedNow | PolicyFailed)
    }

    /// Ours. A full disk or an end that was asked for is logged where it begins and ends, not with each that it refuses.
    pub(crate) fn is_fault(&self) -> bool {
        use Code::{NotReady, Stopping, StorageFull};
        self.status().is_server_error() && !matches!(self.code, NotReady | Stopping | StorageFull)
    }

    pub(crate) fn body(&self, request_id: &str, instance: &str) -> Body {
        // Strings and numbers alone: there is nothing in it that could fail to serialise.
        serde_json::to_vec(&self.document(request_id, instance)).map_or_else(|_| Body::empty(), Body::from)
    }

    /// As an answer to something else holds it.
    pub(crate) fn value(&self, request: RequestId, instance: &str) -> Value {
        serde_json::to_value(self.document(&request.to_string(), instance)).unwrap_or_default()
    }

    /// RFC 9110 §10.2.3: whole seconds, so rather one too many.
    fn retry_seconds(&self) -> Option<u64> {
        let asked = self.retry_after.filter(|time| !time.is_zero());
        asked.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0)).or(self.code.retry_after())
    }

    fn document<'a>(&'a self, request_id: &'a str, instance: &'a str) -> Document<'a> {
        let (status, name, title) = (self.code.status(), self.code.name(), self.code.title());
        Document {
            kind: format!("urn:stockade:problem:{name}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            instance,
            request_id,
            errors: &self.errors,
            extensions: &self.extensions,
        }
    }
}

impl From<FieldError> for Member {
    fn from(FieldError { pointer, code, detail }: FieldError) -> Self {
        Self { pointer, code: code.into(), detail }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        if let Some(seconds) = self.retry_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests;
