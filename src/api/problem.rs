//! The one place where an error becomes an answer: `application/problem+json` (RFC 9457).

mod policy;
mod stored;

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use model::{FieldError, pointer};
use sandbox::PlanError;
use schedule::{Reason, Refused};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::edge::RequestId;
use crate::guard::GuardError;
use crate::jobs::Missing;
use crate::json::JsonError;
use crate::query::QueryError;

/// What a client may branch on; the last part of the problem's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    ArtifactDamaged,
    ArtifactNotFound,
    BlobNotFound,
    BodyTimeout,
    BodyTooLarge,
    CrossSiteRequest,
    DigestMismatch,
    Forbidden,
    IdempotencyInFlight,
    IdempotencyKeyReused,
    InternalError,
    InvalidCursor,
    InvalidJob,
    InvalidQuery,
    InvalidToken,
    JobNotFinished,
    JobNotFound,
    JobNotRunning,
    LauncherGone,
    MalformedJson,
    MalformedRequest,
    MethodNotAllowed,
    MisdirectedRequest,
    NotFound,
    NotReady,
    OutputNotFound,
    PoliciesRefused,
    PolicyBusy,
    PolicyDenied,
    /// The same job may be let through later.
    PolicyDeniedNow,
    PolicyFailed,
    QueueFull,
    QuotaExceeded,
    RangeNotSatisfiable,
    ReloadInProgress,
    Stopping,
    StorageFull,
    Unauthorized,
    UnsupportedLayer,
    UnsupportedMediaType,
}

impl Code {
    pub(crate) fn status(self) -> StatusCode {
        self.parts().0
    }

    pub(crate) fn name(self) -> &'static str {
        self.parts().1
    }

    pub(crate) fn title(self) -> &'static str {
        self.parts().2
    }

    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::ArtifactDamaged => (S::INTERNAL_SERVER_ERROR, "artifact_damaged", "Artifact damaged"),
            Self::ArtifactNotFound => (S::NOT_FOUND, "artifact_not_found", "No such artifact"),
            Self::BlobNotFound => (S::NOT_FOUND, "blob_not_found", "No such blob"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "body_timeout", "Request body too slow"),
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "body_too_large", "Request body too large"),
            Self::CrossSiteRequest => (S::FORBIDDEN, "cross_site_request", "Cross-site request"),
            Self::DigestMismatch => (S::UNPROCESSABLE_ENTITY, "digest_mismatch", "Another digest"),
            Self::Forbidden => (S::FORBIDDEN, "forbidden", "Not allowed"),
            Self::IdempotencyInFlight => {
                (S::CONFLICT, "idempotency_in_flight", "The same request is under way")
            }
            Self::IdempotencyKeyReused => {
                (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Key of another request")
            }
            Self::InternalError => (S::INTERNAL_SERVER_ERROR, "internal_error", "Internal error"),
            Self::InvalidCursor => (S::BAD_REQUEST, "invalid_cursor", "Invalid cursor"),
            Self::InvalidJob => (S::UNPROCESSABLE_ENTITY, "invalid_job", "Invalid job"),
            Self::InvalidQuery => (S::BAD_REQUEST, "invalid_query", "Invalid query"),
            Self::InvalidToken => (S::UNAUTHORIZED, "invalid_token", "Token refused"),
            Self::JobNotFinished => (S::CONFLICT, "job_not_finished", "The job has not ended"),
            Self::JobNotFound => (S::NOT_FOUND, "job_not_found", "No such job"),
            Self::JobNotRunning => (S::CONFLICT, "job_not_running", "The job does not run"),
            Self::LauncherGone => (S::SERVICE_UNAVAILABLE, "launcher_gone", "No job can run any more"),
            Self::MalformedJson => (S::BAD_REQUEST, "malformed_json", "Malformed JSON"),
            Self::MalformedRequest => (S::BAD_REQUEST, "malformed_request", "Malformed request"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::MisdirectedRequest => {
                (S::MISDIRECTED_REQUEST, "misdirected_request", "Misdirected request")
            }
            Self::NotFound => (S::NOT_FOUND, "not_found", "No such resource"),
            Self::NotReady => (S::SERVICE_UNAVAILABLE, "not_ready", "Not ready"),
            Self::OutputNotFound => (S::NOT_FOUND, "output_not_found", "No such output"),
            Self::PoliciesRefused => (S::UNPROCESSABLE_ENTITY, "policies_refused", "Policies refused"),
            Self::PolicyBusy => (S::SERVICE_UNAVAILABLE, "policy_busy", "Policies are busy"),
            Self::PolicyDenied => (S::FORBIDDEN, "policy_denied", "Denied by policy"),
            Self::PolicyDeniedNow => (S::SERVICE_UNAVAILABLE, "policy_denied", "Denied by policy for now"),
            Self::PolicyFailed => (S::INTERNAL_SERVER_ERROR, "policy_failed", "A policy failed"),
            Self::ReloadInProgress => (S::CONFLICT, "reload_in_progress", "Policies are being loaded"),
            Self::QueueFull => (S::TOO_MANY_REQUESTS, "queue_full", "Queue full"),
            Self::QuotaExceeded => (S::TOO_MANY_REQUESTS, "quota_exceeded", "Quota exceeded"),
            Self::RangeNotSatisfiable => {
                (S::RANGE_NOT_SATISFIABLE, "range_not_satisfiable", "Range not satisfiable")
            }
            Self::Stopping => (S::SERVICE_UNAVAILABLE, "stopping", "The server is stopping"),
            Self::StorageFull => (S::INSUFFICIENT_STORAGE, "storage_full", "No room on disk"),
            Self::Unauthorized => (S::UNAUTHORIZED, "unauthorized", "Token needed"),
            Self::UnsupportedLayer => {
                (S::UNPROCESSABLE_ENTITY, "unsupported_layer", "This host cannot enforce what the job needs")
            }
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type")
            }
        }
    }
}

impl Code {
    /// Seconds; `None` where it is not worth trying again as it is.
    fn retry_after(self) -> Option<u64> {
        match self {
            Self::IdempotencyInFlight
            | Self::PolicyBusy
            | Self::PolicyDeniedNow
            | Self::QueueFull
            | Self::Stopping => Some(1),
            // Room comes with the next sweep of what is kept for no longer.
            _ => None,
        }
    }
}

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
        self.code.parts().0
    }

    pub(crate) fn name(&self) -> &'static str {
        self.code.parts().1
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

    pub(crate) fn body(&self, request_id: &str, instance: &str) -> Body {
        // Strings and numbers alone: there is nothing in it that could fail to serialise.
        serde_json::to_vec(&self.document(request_id, instance)).map_or_else(|_| Body::empty(), Body::from)
    }

    /// As an answer to something else holds it.
    pub(crate) fn value(&self, request: RequestId) -> Value {
        serde_json::to_value(self.document(&request.to_string(), "/jobs")).unwrap_or_default()
    }

    /// RFC 9110 §10.2.3: whole seconds, so rather one too many.
    fn retry_seconds(&self) -> Option<u64> {
        let asked = self.retry_after.filter(|time| !time.is_zero());
        asked.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0)).or(self.code.retry_after())
    }

    fn document<'a>(&'a self, request_id: &'a str, instance: &'a str) -> Document<'a> {
        let (status, name, title) = self.code.parts();
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

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let code = match error {
            JsonError::MediaType | JsonError::Encoding => Code::UnsupportedMediaType,
            JsonError::TooLarge(_) => Code::BodyTooLarge,
            JsonError::TooSlow(_) => Code::BodyTimeout,
            JsonError::NoRoom => Code::QueueFull,
            JsonError::Aborted(_) => Code::MalformedRequest,
            JsonError::Malformed(_) => Code::MalformedJson,
            JsonError::Field(error) => return vec![error].into(),
        };
        let detail = error.to_string();
        let errors = match code {
            Code::MalformedJson => {
                vec![FieldError { pointer: String::new(), code: "invalid", detail: detail.clone() }]
            }
            _ => Vec::new(),
        };
        Self::at(code, detail, errors)
    }
}

impl From<Vec<FieldError>> for Problem {
    fn from(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => {
                format!("{}: {}", if only.pointer.is_empty() { "body" } else { &only.pointer }, only.detail)
            }
            many => format!("{} fields are wrong; see `errors`", many.len()),
        };
        Self::at(Code::InvalidJob, detail, errors)
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        let index = error.require_index.map(|i| i.to_string());
        let place = index.map_or_else(String::new, |i| pointer(["require", &i]));
        let detail = format!("{}: {}; {}", error.layer, error.detail, error.remedy);
        let member = FieldError { pointer: place, code: "unsupported", detail: detail.clone() };
        Self::at(Code::UnsupportedLayer, detail, vec![member])
    }
}

impl From<GuardError> for Problem {
    fn from(error: GuardError) -> Self {
        let code = match error {
            GuardError::Host => Code::MalformedRequest,
            GuardError::Misdirected => Code::MisdirectedRequest,
            GuardError::CrossSite => Code::CrossSiteRequest,
        };
        Self::new(code, error.to_string())
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self::new(Code::InvalidQuery, error.to_string())
    }
}

impl From<Missing> for Problem {
    fn from(error: Missing) -> Self {
        let code = match error {
            Missing::Job => Code::JobNotFound,
            Missing::Artifact => Code::ArtifactNotFound,
            Missing::Contents => Code::ArtifactDamaged,
            Missing::Output => Code::OutputNotFound,
        };
        Self::new(code, error.to_string())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let code = match refused.reason {
            Reason::QueueFull => Code::QueueFull,
            Reason::TenantQueued { .. } | Reason::TenantPerMinute { .. } => Code::QuotaExceeded,
            Reason::NeverFits { .. } => Code::InvalidJob,
            Reason::Stopping => Code::Stopping,
        };
        let detail = refused.to_string();
        let errors = match refused.reason {
            Reason::NeverFits { what, .. } => {
                let pointer = pointer(["limits", what.limit()]);
                vec![Member::from(FieldError { pointer, code: "above_cap", detail: detail.clone() })]
            }
            _ => Vec::new(),
        };
        Self { retry_after: Some(refused.retry_after), errors, ..Self::new(code, detail) }
    }
}

#[cfg(test)]
mod tests;
