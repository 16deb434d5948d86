//! What requests have to do with: their bodies and parameters, what they ask of this host, and its queue.

use model::{FieldError, ReadError, pointer};
use sandbox::PlanError;
use schedule::{Reason, Refused};

use super::{Code, Member, Problem};
use crate::guard::GuardError;
use crate::jobs::Missing;
use crate::json::JsonError;
use crate::query::QueryError;
use crate::receive::ReceiveError;

impl From<JsonError> for Problem {
    fn from(error: JsonError) -> Self {
        let code = match error {
            JsonError::MediaType | JsonError::Encoding => Code::UnsupportedMediaType,
            JsonError::TooLarge(_) => Code::BodyTooLarge,
            JsonError::TooSlow(_) => Code::BodyTimeout,
            JsonError::NoRoom => Code::QueueFull,
            JsonError::Aborted(_) => Code::MalformedRequest,
            JsonError::Unfit(ReadError::Malformed(_)) => Code::MalformedJson,
            JsonError::Unfit(ReadError::Field(error)) => return vec![error].into(),
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

impl From<&ReceiveError> for Problem {
    fn from(error: &ReceiveError) -> Self {
        let code = match error {
            ReceiveError::Encoding => Code::UnsupportedMediaType,
            ReceiveError::TooLarge(_) => Code::BodyTooLarge,
            ReceiveError::TooSlow => Code::BodyTimeout,
            ReceiveError::Aborted(_) => Code::MalformedRequest,
            ReceiveError::Thread(_) => return Self::internal(error.to_string()),
        };
        Self::new(code, error.to_string())
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
