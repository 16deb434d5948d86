//! A JSON body, within its limits.

mod intake;

use std::time::Duration;

use axum::extract::{FromRef, FromRequest, Request};
use axum::http::{HeaderMap, header};
use model::ReadError;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use crate::idempotency;
use crate::problem::Problem;
pub(crate) use intake::Intake;

/// A larger body is parsed beside the workers, which have other requests to answer.
const INLINE_BYTES: usize = 256 << 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum JsonError {
    #[error("`Content-Type` must be `application/json`")]
    MediaType,
    #[error("`Content-Encoding` is not supported: send the body as it is")]
    Encoding,
    #[error("the body exceeds {0} bytes")]
    TooLarge(usize),
    #[error("the body did not arrive within {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("the bodies of jobs that have not ended fill the memory set aside for them; try again shortly")]
    NoRoom,
    #[error("the body could not be read: {0}")]
    Aborted(String),
    #[error(transparent)]
    Unfit(#[from] ReadError),
}

#[derive(Debug)]
pub(crate) struct Json<T> {
    pub(crate) value: T,
    /// To be kept for as long as the value.
    pub(crate) room: OwnedSemaphorePermit,
    /// SHA-256 of the body, where the request has an `Idempotency-Key`.
    pub(crate) digest: Option<[u8; 32]>,
}

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    Intake: FromRef<S>,
    T: DeserializeOwned + Send + 'static,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_headers(request.headers())?;
        let hashed = request.headers().contains_key(idempotency::HEADER);
        let (body, room) = Intake::from_ref(state).take(request.into_body()).await?;
        let length = body.len();
        let read =
            move || Ok::<_, JsonError>((model::read(&body)?, hashed.then(|| Sha256::digest(&body).into())));
        let (value, digest) = if length <= INLINE_BYTES {
            read()?
        } else {
            tokio::task::spawn_blocking(read).await.map_err(|e| Problem::internal(e.to_string()))??
        };
        Ok(Self { value, room, digest })
    }
}

fn check_headers(headers: &HeaderMap) -> Result<(), JsonError> {
    let essence = |value: &str| {
        value.split(';').next().is_some_and(|t| t.trim().eq_ignore_ascii_case("application/json"))
    };
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !kind.is_some_and(essence) {
        return Err(JsonError::MediaType);
    }
    let plain = |value: &str| value.eq_ignore_ascii_case("identity");
    match headers.get(header::CONTENT_ENCODING) {
        Some(value) if !value.to_str().is_ok_and(plain) => Err(JsonError::Encoding),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
