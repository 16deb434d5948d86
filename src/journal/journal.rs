use std::borrow::Borrow;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;

use jiff::Timestamp;
use model::{Callback, Event, Happened, Job, JobId, JobSpec};

use crate::batch::Batch;
use crate::blobs::Blobs;
use crate::commit::Commit;
use crate::log::Log;
use crate::queue::Queue;
use crate::read::Readers;
use crate::recover::{self, Unfinished};
use crate::schema::{self, folder};
use crate::space::Space;
use crate::write::{Accept, AfterEnd, End, Write};
use crate::writer::{Counts, Owed, Writer};
use crate::{JournalError, Options, Retention};

/// A key that a caller gave so that a request sent twice makes one job, and the SHA-256 of what it sent with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: String,
    pub body: [u8; 32],
}

/// A job that is taken in. Its id, tenant and labels are those of the first event, `accepted`.
#[derive(Debug)]
pub struct NewJob<'a, E> {
    pub spec: &'a JobSpec,
    pub events: Vec<E>,
    pub idempotency: Option<Idempotency>,
}

/// What was written since the journal was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    pub writes: u64,
    /// Groups of writes that were made at one instant.
    pub commits: u64,
}

/// Every clone is the same journal. When the last is dropped, what waits is written, and the folder is free again.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writes: Arc<Queue>,
    space: Arc<Space>,
    readers: Arc<Readers>,
    retention: Arc<Retention>,
    blobs: Blobs,
    writer: Option<JoinHandle<()>>,
    counts: Arc<Counts>,
    /// Held until all else is gone.
    _lock: Lock,
}

/// A process that is being spawned has the descriptor too, until its exec(2): closing ours would not let go (flock(2)).
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

impl Journal {
    /// Blocks. The unfinished jobs are told in the order in which they were taken in.
    pub fn open(options: Options) -> Result<(Self, Vec<Unfinished>), JournalError> {
        let Options { folder: path, durability, retention } = options;
        let (root, lock) = claim(&path)?;
        let file = path.join("journal.sqlite3");
        let db = schema::writer(&file, durability).map_err(|error| match error {
            JournalError::Damaged(how) => JournalError::Damaged(format!("{}: {how}", file.display())),
            other => other,
        })?;
        let log = Log::of(&db, &file)?;
        let last = db.query_row("SELECT coalesce(max(job), 0) FROM jobs", [], |row| row.get(0))?;
        let unfinished = recover::unfinished(&db)?;
        let space =
            Arc::new(Space::new(root.try_clone().map_err(|e| folder(&path, e))?, retention.keep_free_bytes));
        let (writes, readers, retention) =
            (Arc::new(Queue::default()), Arc::new(Readers::new(file)), Arc::new(retention));
        let blobs = Blobs::start(
            &path,
            &root,
            durability,
            (Arc::clone(&writes), Arc::clone(&readers)),
            (Arc::clone(&space), Arc::clone(&retention)),
        )?;
        let counts = Arc::new(Counts::default());
        let writer = Writer {
            db,
            queue: Arc::clone(&writes),
            space: Arc::clone(&space),
            last,
            owed: Owed::default(),
            log,
            counts: Arc::clone(&counts),
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || writer.run());
        let writer = Some(thread.map_err(|e| folder(&path, e))?);
        let inner = Inner { writes, space, readers, retention, blobs, writer, counts, _lock: lock };
        Ok((Self(Arc::new(inner)), unfinished))
    }

    /// Takes a job in. Once committed, it survives whatever [`crate::Durability`] says.
    pub fn accept(&self, new: NewJob<'_, impl Borrow<Event>>) -> Commit {
        if let Err(full) = self.room() {
            return Commit::answered(Err(full));
        }
        match accept(new) {
            Ok(new) => self.0.writes.push(Write::Accept(Box::new(new))),
            Err(error) => Commit::answered(Err(error)),
        }
    }

    /// More of a job's events, those that come after its end included. None at all are answered in their turn.
    pub fn append<E: Borrow<Event>>(&self, id: JobId, events: impl AsRef<[E]>) -> Commit {
        match Batch::of(events.as_ref()) {
            Ok(Some(batch)) => self.0.writes.push(Write::Append { id, batch }),
            Ok(None) => self.0.writes.push(Write::Turn),
            Err(error) => Commit::answered(Err(error)),
        }
    }

    /// The last events of a job before its end, and its [`Job::summary`]. Its spec is dropped, the blobs it was given are
    /// released, those it made are kept for it; and the callback is due, all at one instant.
    pub fn end<E: Borrow<Event>>(
        &self,
        id: JobId,
        events: impl AsRef<[E]>,
        summary: &Job,
        callback: Option<&Callback>,
    ) -> Commit {
        match end(id, events.as_ref(), summary, callback) {
            Ok(end) => self.0.writes.push(Write::End(Box::new(end))),
            Err(error) => Commit::answered(Err(error)),
        }
    }

    /// One more event of a job that has ended, which is numbered when it is written.
    pub fn note(&self, id: JobId, at: Timestamp, what: Happened) -> Commit {
        self.0.writes.push(Write::Note(Box::new(AfterEnd { id, at, what })))
    }

    /// Forgets a finished job, its events and its idempotency key. Blobs that only it referred to go with the next sweep.
    pub fn delete(&self, id: JobId) -> Commit {
        self.0.writes.push(Write::Delete(id))
    }

    /// Resolves once everything before this call is written, what a full disk has held up included. After an `append` or
    /// `end` that was answered with [`JournalError::Full`], this is when the journal has it.
    pub fn settled(&self) -> Commit {
        self.0.writes.push(Write::Settle)
    }

    /// It was delivered, or given up.
    pub fn callback_done(&self, id: JobId) -> Commit {
        self.0.writes.push(Write::CallbackDone(id))
    }

    /// It is to be tried again then; counts an attempt.
    pub fn callback_again(&self, id: JobId, at: Timestamp) -> Commit {
        self.0.writes.push(Write::CallbackAgain { id, at })
    }

    /// Whether new jobs are taken in, as of the last write. Ends by itself within a second of there being room.
    pub fn room(&self) -> Result<(), JournalError> {
        if self.0.space.is_full() { Err(JournalError::Full) } else { Ok(()) }
    }

    pub fn written(&self) -> Written {
        let counts = &self.0.counts;
        Written { writes: counts.writes.load(Relaxed), commits: counts.commits.load(Relaxed) }
    }

    pub fn blobs(&self) -> &Blobs {
        &self.0.blobs
    }

    pub(crate) fn readers(&self) -> &Readers {
        &self.0.readers
    }

    pub(crate) fn writes(&self) -> &Queue {
        &self.0.writes
    }

    pub(crate) fn retention(&self) -> &Retention {
        &self.0.retention
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.writes.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the journal's writer did not end in order");
        }
    }
}

/// The folder, and the lock that says whose it is.
fn claim(path: &Path) -> Result<(File, Lock), JournalError> {
    let failed = |source| folder(path, source);
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let root = File::open(path).map_err(failed)?;
    let name = path.join("journal.lock");
    let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(name);
    let lock = lock.map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok((root, Lock(lock))),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn accept(new: NewJob<'_, impl Borrow<Event>>) -> Result<Accept, JournalError> {
    let NewJob { spec, events, idempotency } = new;
    let Some(Event { at, what: Happened::Accepted(accepted), .. }) = events.first().map(Borrow::borrow)
    else {
        return Err(JournalError::NotAccepted);
    };
    let batch = Batch::of(&events)?.ok_or(JournalError::NotAccepted)?;
    Ok(Accept {
        id: accepted.id,
        tenant: accepted.tenant.clone(),
        labels: accepted.labels.clone().into_iter().collect(),
        created_at: *at,
        batch,
        spec: serde_json::to_string(spec)?,
        inputs: spec.contents().filter_map(|content| content.digest()).map(str::to_owned).collect(),
        key: idempotency.map(|Idempotency { key, body }| (key, body)),
    })
}

fn end(
    id: JobId,
    events: &[impl Borrow<Event>],
    summary: &Job,
    callback: Option<&Callback>,
) -> Result<End, JournalError> {
    let bytes = summary.artifacts.iter().fold(0u64, |sum, artifact| sum.saturating_add(artifact.bytes));
    let digests = summary.artifacts.iter().map(|artifact| artifact.digest.clone()).collect();
    Ok(End {
        id,
        batch: Batch::of(events)?,
        status: summary.status,
        finished_at: summary.finished_at.unwrap_or_else(Timestamp::now),
        summary: serde_json::to_string(summary)?,
        artifacts: (digests, bytes),
        callback: callback.map(|callback| (callback.url.clone(), callback.secret.to_vec())),
    })
}
