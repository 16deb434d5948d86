use std::io;
use std::path::PathBuf;

use model::JobId;
use rusqlite::ErrorCode;
use thiserror::Error;

use crate::BlobError;

#[derive(Debug, Error)]
pub enum JournalError {
    #[error("another process has the journal in {}", .0.display())]
    InUse(PathBuf),
    #[error("the journal {} has schema {found}, and this version knows {known}: run the newer version", path.display())]
    Newer { path: PathBuf, found: usize, known: usize },
    #[error("the journal is damaged: {0}")]
    Damaged(String),
    #[error("cannot use {}", path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("no room for new jobs: the disk of the journal is nearly full")]
    Full,
    #[error("more waits to be written than the journal holds in memory")]
    Overflow,
    #[error("the idempotency key belongs to job {0}")]
    KeyTaken(JobId),
    #[error("the job names a blob that is not there (any more): {0}")]
    BlobGone(String),
    #[error("the blobs of this tenant would take more than {allowed} bytes")]
    BlobQuota { allowed: u64 },
    #[error("there is no job {0}")]
    Unknown(JobId),
    #[error("job {0} has not ended")]
    Unfinished(JobId),
    #[error("job {0} has ended before")]
    Ended(JobId),
    #[error("the events of a new job begin with `accepted`")]
    NotAccepted,
    #[error("not a cursor that a list gave")]
    Cursor,
    #[error("the journal is closed")]
    Closed,
    #[error("what the journal holds cannot be read")]
    Unreadable(#[from] serde_json::Error),
    #[error("a blob cannot be used")]
    Blob(#[source] Box<BlobError>),
    #[error("the database of the journal failed")]
    Database(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for JournalError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Database(error),
        }
    }
}

impl From<BlobError> for JournalError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::Full,
            BlobError::Quota { allowed } => Self::BlobQuota { allowed },
            BlobError::Journal(error) => error,
            other => Self::Blob(Box::new(other)),
        }
    }
}

/// Whether the same write may succeed later: the disk was full, or did not answer.
pub(crate) fn passes(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseBusy
        )
    )
}
