//! `?wait=true`, `?wait=30s`: answer when the job has ended, or when that time is over.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use tokio::sync::watch;

use crate::problem::Problem;
use crate::records::Snapshot;

/// Longer than most proxies keep a silent connection; who waits longer asks again.
const LONGEST: Duration = Duration::from_mins(5);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WaitError {
    /// Also for parameters there are none of: `?dry_run=true` must not run a job.
    #[error("{0}")]
    Query(String),
    #[error("`wait` is `true`, `false` or a time such as `500ms`, `30s` or `2m`, not `{0}`")]
    Syntax(String),
}

/// How long the caller wants to wait; zero when not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    wait: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<Parameters>::try_from_uri(&parts.uri);
        let Query(Parameters { wait }) = query.map_err(|e| WaitError::Query(e.body_text()))?;
        Ok(wait.as_deref().map_or(Ok(Self(Duration::ZERO)), Self::parse)?)
    }
}

impl Wait {
    fn parse(text: &str) -> Result<Self, WaitError> {
        let syntax = || WaitError::Syntax(text.chars().take(40).collect());
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
