//! What the journal, blobs and idempotency keys have to do with.

use std::error::Error;
use std::time::Duration;

use journal::{BlobError, JournalError};

use super::{Code, Problem};
use crate::blobs::BlobsError;
use crate::idempotency::IdempotencyError;

/// Room comes when what is kept for no longer is swept away.
const SWEEP: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_secs(1);

impl From<IdempotencyError> for Problem {
    fn from(error: IdempotencyError) -> Self {
        let (code, retry_after) = match error {
            IdempotencyError::Key => (Code::MalformedRequest, None),
            IdempotencyError::Reused => (Code::IdempotencyKeyReused, None),
            IdempotencyError::InFlight => (Code::IdempotencyInFlight, Some(SOON)),
        };
        Self { retry_after, ..Self::new(code, error.to_string()) }
    }
}

impl From<BlobsError> for Problem {
    fn from(error: BlobsError) -> Self {
        let (code, retry_after) = match &error {
            BlobsError::Receive(error) => return error.into(),
            BlobsError::Missing => (Code::BlobNotFound, None),
            BlobsError::Claim(_) => (Code::MalformedRequest, None),
            BlobsError::Store(BlobError::Mismatch { .. }) => (Code::DigestMismatch, None),
            BlobsError::Store(BlobError::Full) => (Code::StorageFull, Some(SWEEP)),
            BlobsError::Store(BlobError::Quota { .. }) => (Code::QuotaExceeded, Some(SWEEP)),
            BlobsError::Store(_) | BlobsError::Thread(_) => return Self::internal(chain(&error)),
        };
        Self { retry_after, ..Self::new(code, error.to_string()) }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        let (code, retry_after) = match &error {
            JournalError::Full => (Code::StorageFull, Some(SWEEP)),
            JournalError::Overflow => (Code::QueueFull, Some(SOON)),
            JournalError::KeyTaken(_) => (Code::IdempotencyInFlight, Some(SOON)),
            JournalError::BlobGone(_) => (Code::InvalidJob, None),
            JournalError::BlobQuota { .. } => (Code::QuotaExceeded, Some(SWEEP)),
            JournalError::Unknown(_) => (Code::JobNotFound, None),
            JournalError::Unfinished(_) => (Code::JobNotFinished, None),
            JournalError::Cursor => (Code::InvalidCursor, None),
            JournalError::Closed => (Code::Stopping, Some(SOON)),
            _ => return Self::internal(chain(&error)),
        };
        Self { retry_after, ..Self::new(code, error.to_string()) }
    }
}

/// With what is behind it, for the log.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
