//! `Idempotency-Key`: a request that is sent again starts no second job (draft-ietf-httpapi-idempotency-key-header).
//!
//! A key belongs to its tenant and stands for one body, kept with the job by the journal. Only a job that was taken in
//! uses its key up: what was refused or denied may be sent again under the same key, mended or not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use journal::Idempotency;
use model::JobId;

use crate::problem::Problem;
use crate::store::Store;

pub(crate) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const LONGEST: usize = 255;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IdempotencyError {
    #[error("`Idempotency-Key` is sent once, as 1 to {LONGEST} visible ASCII characters")]
    Key,
    #[error("this `Idempotency-Key` came with another body before; take a new key for a new job")]
    Reused,
    #[error("a request with this `Idempotency-Key` is being taken in right now; try again shortly")]
    InFlight,
}

/// What the caller calls this request, whether it is the first or sent again; most callers say nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self::of(&parts.headers)?)
    }
}

impl Key {
    fn of(headers: &HeaderMap) -> Result<Self, IdempotencyError> {
        let mut fields = headers.get_all(&HEADER).iter();
        match (fields.next(), fields.next()) {
            (None, _) => Ok(Self(None)),
            (Some(field), None) => {
                Ok(Self(Some(parse(field.as_bytes()).ok_or(IdempotencyError::Key)?.to_owned())))
            }
            (Some(_), Some(_)) => Err(IdempotencyError::Key),
        }
    }
}

/// The draft writes keys in quotes, most clients do not: both spellings are the same key.
fn parse(field: &[u8]) -> Option<&str> {
    let bare = field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field);
    let plain = (1..=LONGEST).contains(&bare.len()) && bare.iter().all(u8::is_ascii_graphic);
    std::str::from_utf8(bare).ok().filter(|_| plain)
}

/// Keys whose jobs are being taken in.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<BTreeSet<(String, String)>>>);

#[derive(Debug)]
pub(crate) enum Claim {
    /// With its key, where it has one: to be held until the journal has the job, which answers for the key from then on.
    New(Option<Claimed>),
    /// The same request made this job.
    Known(JobId),
}

/// A key that no other request can have meanwhile; free again on drop.
#[derive(Debug)]
pub(crate) struct Claimed {
    keys: InFlight,
    /// The tenant, and its name for the request.
    entry: (String, String),
    body: [u8; 32],
}

impl InFlight {
    /// `body` is the SHA-256 of the request's body, there where the key is.
    pub(crate) async fn claim(
        &self,
        Key(key): Key,
        tenant: &str,
        body: Option<[u8; 32]>,
        store: &Store,
    ) -> Result<Claim, Problem> {
        let Some((key, body)) = key.zip(body) else { return Ok(Claim::New(None)) };
        // Before the journal is asked, or two requests could both find nothing.
        let claimed = self.take((tenant.to_owned(), key), body)?;
        let (tenant, key) = claimed.entry.clone();
        let known = store.read(move |journal| journal.idempotent(&tenant, &key)).await?;
        match known {
            None => Ok(Claim::New(Some(claimed))),
            Some((id, known)) if known == body => Ok(Claim::Known(id)),
            Some(_) => Err(IdempotencyError::Reused.into()),
        }
    }

    fn take(&self, entry: (String, String), body: [u8; 32]) -> Result<Claimed, IdempotencyError> {
        let first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.clone());
        let claimed = || Claimed { keys: self.clone(), entry, body };
        first.then(claimed).ok_or(IdempotencyError::InFlight)
    }
}

impl Claimed {
    /// What the journal keeps with the job.
    pub(crate) fn to_keep(&self) -> Idempotency {
        Idempotency { key: self.entry.1.clone(), body: self.body }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
    }
}

#[cfg(test)]
mod tests;
