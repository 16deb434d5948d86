//! The routes below `/jobs`.

pub(crate) mod artifacts;
pub(crate) mod commit;
pub(crate) mod create;
pub(crate) mod dry_run;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod order;
pub(crate) mod output;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use model::JobId;

use crate::problem::Problem;
use crate::segment::segment;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Missing {
    #[error("there is no such job, or it ended so long ago that it was dropped")]
    Job,
    #[error("the job has no such artifact")]
    Artifact,
    #[error("the job has no such step, or the step no output of that name")]
    Output,
    #[error("the contents of the artifact no longer match their digest")]
    Contents,
}

/// The `{id}` of a route. One that is no id names no job.
pub(crate) struct ThisJob(pub(crate) JobId);

impl<S: Send + Sync> FromRequestParts<S> for ThisJob {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let id = segment(parts, "id").await.and_then(|id| JobId::parse(&id));
        Ok(Self(id.ok_or(Missing::Job)?))
    }
}
