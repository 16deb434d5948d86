//! Query parameters: unknown ones are refused, for `?dryrun=true` must not run a job.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    #[error("{0}")]
    Syntax(String),
}

#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(query(&parts.uri)?))
    }
}

pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, QueryError> {
    let parsed = axum::extract::Query::try_from_uri(uri);
    parsed.map(|axum::extract::Query(value)| value).map_err(|error| QueryError::Syntax(error.body_text()))
}

/// As much of it as fits in a message.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
