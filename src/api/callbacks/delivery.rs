//! One callback, once: made from the job as the journal has it, signed, sent, and the outcome noted.

use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use journal::{Due, Journal, JournalError};

use super::backoff::delay;
use super::post::{PostError, Poster};
use super::sign::signature;

const AGENT: &str = concat!("stockade/", env!("CARGO_PKG_VERSION"));

/// What came of it, and the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    Again(Timestamp),
    /// The journal did not take it.
    Unknown,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("answered {0}")]
    Status(StatusCode),
    #[error(transparent)]
    Post(#[from] PostError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("cannot be put into a request: {0}")]
    Form(String),
}

pub(super) struct Delivery {
    pub(super) due: Due,
    pub(super) receiver: String,
    pub(super) journal: Journal,
    pub(super) poster: Arc<Poster>,
}

impl Delivery {
    pub(super) async fn run(self) -> Settled {
        let again = self.attempt().await;
        let noted = match again {
            Some(at) => self.journal.callback_again(self.due.id, at).await,
            None => self.journal.callback_done(self.due.id).await,
        };
        match (noted, again) {
            (Err(error), _) => {
                tracing::error!(job_id = %self.due.id, "callback: {error}");
                Settled::Unknown
            }
            (Ok(()), Some(at)) => Settled::Again(at),
            (Ok(()), None) => Settled::Done,
        }
    }

    /// When to try again, if at all.
    async fn attempt(&self) -> Option<Timestamp> {
        let attempt = self.due.attempt.saturating_add(1);
        let (job_id, receiver) = (self.due.id, &self.receiver);
        let failure = match self.post().await {
            Ok(status) => {
                tracing::debug!(%job_id, receiver, attempt, %status, "callback taken");
                return None;
            }
            Err(Failure::Status(StatusCode::GONE)) => {
                tracing::info!(%job_id, receiver, attempt, "callback dropped: its receiver is gone for good (410)");
                return None;
            }
            Err(failure) => failure,
        };
        let Some(delay) = delay(attempt) else {
            tracing::warn!(%job_id, receiver, attempt, "callback dropped after its last attempt: {failure}");
            return None;
        };
        tracing::info!(%job_id, receiver, attempt, "callback not taken, again in {} s: {failure}", delay.as_secs());
        Timestamp::now().checked_add(delay).ok()
    }

    async fn post(&self) -> Result<StatusCode, Failure> {
        let Some((body, traceparent)) = self.body().await? else {
            // Deleted meanwhile, by its owner or by retention: there is nothing left to tell.
            return Ok(StatusCode::NO_CONTENT);
        };
        let status = self.poster.post(&self.due.url, self.headers(&body, traceparent)?, body).await?;
        if status.is_success() { Ok(status) } else { Err(Failure::Status(status)) }
    }

    /// The job as `GET /jobs/{id}` answers it.
    async fn body(&self) -> Result<Option<(Bytes, Option<String>)>, Failure> {
        let (journal, id) = (self.journal.clone(), self.due.id);
        let read = tokio::task::spawn_blocking(move || {
            let job = journal.job(id)?;
            let Some(mut job) = job else { return Ok(None) };
            let body = serde_json::to_vec(&job).map_err(|error| Failure::Form(error.to_string()))?;
            Ok(Some((Bytes::from(body), job.traceparent.take())))
        });
        read.await.unwrap_or_else(|error| Err(Failure::Form(error.to_string())))
    }

    fn headers(&self, body: &[u8], traceparent: Option<String>) -> Result<HeaderMap, Failure> {
        let id = self.due.id.to_string();
        let seconds = Timestamp::now().as_second();
        let signature = signature(&self.due.secret, &id, seconds, body).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(HeaderName::from_static("webhook-timestamp"), seconds.into());
        let own = [("webhook-id", id), ("webhook-signature", signature)];
        for (name, value) in own.into_iter().chain(traceparent.map(|value| ("traceparent", value))) {
            let value = HeaderValue::try_from(value).map_err(|error| Failure::Form(error.to_string()))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }
}
