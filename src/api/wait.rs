//! `?wait=true`, `?wait=30s`: answer when the job has ended, or when that time is over. `?dry_run=true`: run nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::problem::Problem;
use crate::records::Snapshot;

/// Longer than most proxies keep a silent connection; who waits longer asks again.
const LONGEST: Duration = Duration::from_mins(5);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QueryError {
    /// Also for parameters there are none of: `?dryrun=true` must not run a job.
    #[error("{0}")]
    Query(String),
    #[error("`wait` is `true`, `false` or a time such as `500ms`, `30s` or `2m`, not `{0}`")]
    Syntax(String),
    #[error("`dry_run` is `true` or `false`, not `{0}`")]
    DryRun(String),
    #[error("`dry_run=true` runs nothing that `wait` could wait for: leave one out")]
    NothingToWaitFor,
}

/// How long the caller wants to wait; zero when not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

/// What `POST /jobs` is to do with a job that is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Run(Wait),
    DryRun,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    wait: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IntentParameters {
    wait: Option<String>,
    dry_run: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Parameters { wait } = query(parts)?;
        Ok(Self::of(wait.as_deref())?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Intent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let IntentParameters { wait, dry_run } = query(parts)?;
        let dry_run = match dry_run.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => return Err(QueryError::DryRun(short(other)).into()),
        };
        match wait {
            Some(_) if dry_run => Err(QueryError::NothingToWaitFor.into()),
            _ if dry_run => Ok(Self::DryRun),
            wait => Ok(Self::Run(Wait::of(wait.as_deref())?)),
        }
    }
}

fn query<T: DeserializeOwned>(parts: &Parts) -> Result<T, QueryError> {
    let Query(parameters) =
        Query::try_from_uri(&parts.uri).map_err(|error| QueryError::Query(error.body_text()))?;
    Ok(parameters)
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Wait {
    fn of(parameter: Option<&str>) -> Result<Self, QueryError> {
        parameter.map_or(Ok(Self(Duration::ZERO)), Self::parse)
    }

    fn parse(text: &str) -> Result<Self, QueryError> {
        let syntax = || QueryError::Syntax(short(text));
        let time = match text {
            "true" => LONGEST,
            "false" => Duration::ZERO,
            _ => duration(text).ok_or_else(syntax)?,
        };
        Ok(Self(time.min(LONGEST)))
    }

    /// The job when it ended, or as it is when the wait ran out.
    pub(crate) async fn on(self, mut job: watch::Receiver<Arc<Snapshot>>) -> Arc<Snapshot> {
        if !self.0.is_zero() {
            let ended = job.wait_for(|now| now.job.status.is_final());
            // Either way the answer is the job as it stands.
            let _ = tokio::time::timeout(self.0, ended).await;
        }
        Arc::clone(&job.borrow())
    }
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(unit);
    let count: u64 = digits.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    Some(Duration::from_millis(count.saturating_mul(millis)))
}

#[cfg(test)]
mod tests;
