//! Every job there is: those that have not ended in memory, all of them in the journal.

mod changes;
pub(crate) mod live;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admission::Additions;
use axum::body::Bytes;
use jiff::Timestamp;
use journal::{BlobError, Journal, JournalError};
use model::{Artifact, Happened, Job, JobId};

use crate::caller::Caller;
use crate::jobs::Missing;
use crate::problem::Problem;
use live::Live;

#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) journal: Journal,
    live: Arc<Mutex<HashMap<JobId, Arc<Live>>>>,
}

/// A job as it is found.
#[derive(Debug)]
pub(crate) enum Found {
    Live(Arc<Live>),
    Ended(Arc<Job>),
}

impl Store {
    pub(crate) fn new(journal: Journal) -> Self {
        Self { journal, live: Arc::default() }
    }

    pub(crate) fn add(&self, live: Arc<Live>) {
        self.lock().insert(live.id, live);
    }

    pub(crate) fn remove(&self, id: JobId) {
        let removed = self.lock().remove(&id);
        // Freeing many megabytes takes its time: not under the lock.
        drop(removed);
    }

    pub(crate) fn live(&self, id: JobId) -> Option<Arc<Live>> {
        self.lock().get(&id).cloned()
    }

    /// Another tenant's job does not exist for this caller.
    pub(crate) async fn find(&self, id: JobId, caller: &Caller) -> Result<Found, Problem> {
        if let Some(live) = self.live(id) {
            caller.sees(&live.tenant).then_some(()).ok_or(Missing::Job)?;
            return Ok(Found::Live(live));
        }
        let job = self.read(move |journal| journal.job(id)).await?.ok_or(Missing::Job)?;
        caller.sees(&job.tenant).then_some(()).ok_or(Missing::Job)?;
        Ok(Found::Ended(Arc::new(job)))
    }

    /// The journal reads files: not on a thread that other requests wait for.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Journal) -> Result<T, JournalError> + Send + 'static,
    ) -> Result<T, Problem> {
        let journal = self.journal.clone();
        let read = tokio::task::spawn_blocking(move || read(&journal)).await;
        Ok(read.map_err(|error| Problem::internal(error.to_string()))??)
    }

    /// Those that were collected, byte for byte, or none.
    pub(crate) async fn contents(&self, artifact: &Artifact) -> Result<Option<Bytes>, Problem> {
        let (digest, most) = (artifact.digest.clone(), artifact.bytes);
        let read = self.read(move |journal| match journal.blobs().read(&digest, most) {
            Ok(bytes) => Ok(Some(Bytes::from(bytes))),
            // The journal compares the digest of all that it reads.
            Err(BlobError::Unknown(_) | BlobError::Damaged(_) | BlobError::TooLarge { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        });
        read.await
    }

    /// What policies noted down about a job, ended or not. Blocks.
    pub(crate) fn note(&self, id: JobId, Additions { labels, annotations }: Additions) {
        let what = Happened::Noted { labels, annotations };
        let late = match self.live(id) {
            Some(live) => live.note(what),
            None => Some(what),
        };
        let written = late.map_or(Ok(()), |late| self.journal.note(id, Timestamp::now(), late).wait());
        if let Err(error) = written
            // Deleted meanwhile: there is nothing left to note it on.
            && !matches!(error, JournalError::Unknown(_))
        {
            tracing::warn!(job_id = %id, "what policies noted about an ended job is lost: {error}");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Between two sweeps; with a full disk somebody waits for the next.
const SWEEP: Duration = Duration::from_mins(1);
const SWEEP_WHEN_FULL: Duration = Duration::from_secs(2);

pub(crate) async fn housekeeping(store: Store) {
    loop {
        let journal = store.journal.clone();
        match tokio::task::spawn_blocking(move || journal.sweep(Timestamp::now())).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => tracing::error!("cannot sweep the journal: {error}"),
            Err(error) => tracing::error!("sweeping the journal failed: {error}"),
        }
        let full = store.journal.room().is_err();
        tokio::time::sleep(if full { SWEEP_WHEN_FULL } else { SWEEP }).await;
    }
}

#[cfg(test)]
mod tests;
