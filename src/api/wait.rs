//! `?wait=true`, `?wait=30s`: answer when the job has ended, or when that time is over. `?dry_run=true`: run nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use model::Job;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::jobs::Missing;
use crate::problem::Problem;
use crate::query::{QueryError, query, short};
use crate::store::Found;

const TIME: &str = "^(?:true|false|[0-9]{1,18}(?:ms|s|m))$";
/// Longer than most proxies keep a silent connection; who waits longer asks again.
const LONGEST: Duration = Duration::from_mins(5);

/// How long the caller wants to wait; zero when not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait(Duration);

/// What `POST /jobs` is to do with a job that is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Run(Wait),
    DryRun,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    /// `true`, `false`, or a time such as `500ms`, `30s` or `2m`; never longer than five minutes.
    #[schemars(regex(pattern = TIME))]
    wait: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntentParameters {
    /// `true`, `false`, or a time such as `500ms`, `30s` or `2m`; never longer than five minutes. Not with `dry_run=true`.
    #[schemars(regex(pattern = TIME))]
    wait: Option<String>,
    /// Judge the job and run nothing.
    #[schemars(extend("enum" = ["true", "false"]))]
    dry_run: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Parameters { wait } = query(&parts.uri)?;
        Ok(Self::of(wait.as_deref())?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Intent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let IntentParameters { wait, dry_run } = query(&parts.uri)?;
        let dry_run = match dry_run.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let detail = format!("`dry_run` is `true` or `false`, not `{}`", short(other));
                return Err(QueryError::Syntax(detail).into());
            }
        };
        match wait {
            Some(_) if dry_run => {
                let detail = "`dry_run=true` runs nothing that `wait` could wait for: leave one out";
                Err(QueryError::Syntax(detail.into()).into())
            }
            _ if dry_run => Ok(Self::DryRun),
            wait => Ok(Self::Run(Wait::of(wait.as_deref())?)),
        }
    }
}

impl Wait {
    fn of(parameter: Option<&str>) -> Result<Self, QueryError> {
        parameter.map_or(Ok(Self(Duration::ZERO)), Self::parse)
    }

    fn parse(text: &str) -> Result<Self, QueryError> {
        let syntax = || {
            let detail = format!(
                "`wait` is `true`, `false` or a time such as `500ms`, `30s` or `2m`, not `{}`",
                short(text)
            );
            QueryError::Syntax(detail)
        };
        let time = match text {
            "true" => LONGEST,
            "false" => Duration::ZERO,
            _ => duration(text).ok_or_else(syntax)?,
        };
        Ok(Self(time.min(LONGEST)))
    }

    pub(crate) const fn is_none(self) -> bool {
        self.0.is_zero()
    }

    /// The job when it ended, or as it is when the wait ran out.
    pub(crate) async fn on(self, found: Found) -> Result<Arc<Job>, Problem> {
        let live = match found {
            Found::Ended(job) => return Ok(job),
            Found::Live(live) => live,
        };
        if !self.is_none() {
            // Either way the answer is the job as it stands.
            let _ = tokio::time::timeout(self.0, live.ended()).await;
        }
        Ok(live.job().ok_or(Missing::Job)?)
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
