use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use crate::caller::Reader;
use crate::digest::Digest;
use crate::download::{Caching, Download};
use crate::jobs::{Missing, ThisJob};
use crate::problem::Problem;
use crate::store::{Found, Store};

pub(crate) async fn download(
    State(store): State<Store>,
    Reader(caller): Reader,
    ThisJob(id): ThisJob,
    params: RawPathParams,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = match store.find(id, &caller).await? {
        Found::Ended(job) => job,
        Found::Live(live) => live.job().ok_or(Missing::Job)?,
    };
    let path = params.iter().find(|(name, _)| *name == "path").map_or("", |(_, path)| path);
    let artifact = job.artifacts.iter().find(|artifact| artifact.path == path).ok_or(Missing::Artifact)?;
    let digest = Digest::parse(&artifact.digest).ok_or(Missing::Contents)?;
    let contents = store.contents(artifact).await?.ok_or(Missing::Contents)?;
    let name = path.rsplit('/').next().unwrap_or(path);
    // A job may be deleted, and its path then leads nowhere.
    let download = Download { name, digest, bytes: artifact.bytes, caching: Caching::Revalidate };
    Ok(download.answer_from(&method, &headers, &contents))
}

#[cfg(test)]
mod tests;
