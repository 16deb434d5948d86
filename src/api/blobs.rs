//! `POST /blobs`, `GET /blobs/{digest}`: inputs that are sent once and named by many jobs.
//!
//! A tenant sees the blobs that it uploaded or that its jobs made, and no others, whoever else may have them.

mod claimed;
mod fill;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use journal::{BlobError, Journal, Upload};
use schemars::JsonSchema;
use serde::Serialize;

use crate::caller::{Reader, Submitter};
use crate::contents::Contents;
use crate::digest::Digest;
use crate::download::{Caching, Download};
use crate::problem::Problem;
use crate::receive::{ReceiveError, Sink, check, receive};
use crate::router::App;
use crate::segment::segment;
use claimed::ClaimError;
pub(crate) use fill::{Form, fill, refill};

#[derive(Debug, thiserror::Error)]
pub(crate) enum BlobsError {
    #[error("there is no such blob; upload it with `POST /blobs`")]
    Missing,
    #[error(transparent)]
    Claim(#[from] ClaimError),
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    #[error(transparent)]
    Store(#[from] BlobError),
    #[error("a thread that was to read or write blobs ended early: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Where uploads go, and how large one may be.
#[derive(Clone, Debug)]
pub(crate) struct Uploads {
    journal: Journal,
    most: u64,
}

impl FromRef<App> for Uploads {
    fn from_ref(app: &App) -> Self {
        Self { journal: app.store.journal.clone(), most: app.config.max_blob_bytes }
    }
}

/// An upload.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Uploaded<'a> {
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    digest: &'a str,
    bytes: u64,
}

/// 201 for a new blob, 200 for one that the tenant has already.
pub(crate) async fn upload(
    State(uploads): State<Uploads>,
    Submitter(caller): Submitter,
    headers: HeaderMap,
    body: Body,
) -> Response {
    uploads.take(caller.tenant, &headers, body).await.unwrap_or_else(|error| {
        // Of the body something may be left, and then hyper closes: a client should know before its next request.
        let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
        (close, Problem::from(error)).into_response()
    })
}

pub(crate) async fn download(
    State(uploads): State<Uploads>,
    Reader(caller): Reader,
    ThisBlob(digest): ThisBlob,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (file, bytes) = uploads.open(caller.tenant, digest).await?;
    let name = digest.hex();
    let download = Download { name: &name, digest, bytes, caching: Caching::Immutable };
    let file = Arc::new(file);
    Ok(download.answer(&method, &headers, |range| Body::new(Contents::new(file, range))))
}

/// The `{digest}` of a route. One that is none names no blob.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThisBlob(Digest);

impl<S: Send + Sync> FromRequestParts<S> for ThisBlob {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let digest = segment(parts, "digest").await.and_then(|digest| Digest::parse(&digest));
        Ok(Self(digest.ok_or(BlobsError::Missing)?))
    }
}

impl Sink for Upload {
    type Error = BlobsError;

    fn put(&mut self, bytes: &[u8]) -> Result<(), BlobsError> {
        Ok(self.write(bytes)?)
    }
}

impl Uploads {
    async fn take(&self, tenant: String, headers: &HeaderMap, body: Body) -> Result<Response, BlobsError> {
        check(headers, &body, self.most)?;
        let expected = claimed::claimed(headers)?;
        let journal = self.journal.clone();
        let upload = tokio::task::spawn_blocking(move || journal.blobs().begin(&tenant)).await??;
        let upload = receive(upload, body, self.most).await?;
        let stored = tokio::task::spawn_blocking(move || {
            upload.finish(expected.map(|digest| digest.to_string()).as_deref())
        });
        let stored = stored.await??;
        let status = if stored.new { StatusCode::CREATED } else { StatusCode::OK };
        let location = [(header::LOCATION, format!("/blobs/{}", stored.digest))];
        let body = Uploaded { digest: &stored.digest, bytes: stored.bytes };
        Ok((status, location, axum::Json(body)).into_response())
    }

    async fn open(&self, tenant: String, digest: Digest) -> Result<(std::fs::File, u64), BlobsError> {
        let journal = self.journal.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let (blobs, digest) = (journal.blobs(), digest.to_string());
            if blobs.visible_to(&tenant, &digest)? { blobs.open(&digest) } else { Ok(None) }
        });
        opened.await??.ok_or(BlobsError::Missing)
    }
}

#[cfg(test)]
mod tests;
