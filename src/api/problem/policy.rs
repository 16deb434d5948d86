//! What policies have to do with.

use admission::{BundleError, Denial};
use model::{Decision, Failure};
use serde_json::{Map, json};

use super::{Code, Member, Problem};
use crate::admit::denials;
use crate::policies::ReloadError;

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        let code = match denial.failure {
            Some(Failure::PoolExhausted) => Code::PolicyBusy,
            Some(_) => Code::PolicyFailed,
            None if denial.retryable => Code::PolicyDeniedNow,
            None => Code::PolicyDenied,
        };
        let mut extensions = Map::new();
        let errors = denials(&denial.decisions).map(member).collect();
        extensions.insert("policy".into(), json!(denial.decisions));
        if !denial.warnings.is_empty() {
            extensions.insert("warnings".into(), denial.warnings.into());
        }
        Self { errors, extensions, ..Self::new(code, denial.reason) }
    }
}

fn member(decision: &Decision) -> Member {
    let Decision { field, code, reason, .. } = decision.clone();
    Member {
        pointer: field.unwrap_or_default(),
        code: code.unwrap_or_default().into(),
        detail: reason.unwrap_or_default(),
    }
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Refused(error) => refused(error),
            ReloadError::Busy => Self::new(Code::ReloadInProgress, error.to_string()),
            ReloadError::Failed(_) => Self::internal(error.to_string()),
        }
    }
}

fn refused(error: BundleError) -> Problem {
    let detail = error.to_string();
    let mut extensions = Map::new();
    extensions.insert("bundle".into(), error.bundle.into());
    extensions.insert("code".into(), error.code.into());
    extensions.insert("remedy".into(), (&*error.remedy).into());
    if let Some(policy) = error.policy {
        extensions.insert("policy".into(), policy.into());
    }
    // Zero stands for the file as a whole.
    if error.line > 0 {
        extensions.insert("line".into(), error.line.into());
    }
    Problem { extensions, ..Problem::new(Code::PoliciesRefused, detail) }
}
