//! The writes there are, and what each does to the tables.

use std::collections::BTreeSet;

use jiff::Timestamp;
use model::{Happened, JobId, Status};
use rusqlite::{Connection, OptionalExtension, params};

use crate::JournalError;
use crate::batch::{Batch, nanos};

mod blobs;
mod jobs;

pub(crate) use jobs::KEY_HOURS;

/// What a write came to. Outside: the database failed, and the transaction with it. Inside: an answer; a refusal has
/// changed nothing.
pub(crate) type Applied = rusqlite::Result<Result<(), JournalError>>;

#[derive(Debug)]
pub(crate) struct Accept {
    pub(crate) id: JobId,
    pub(crate) tenant: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) created_at: Timestamp,
    pub(crate) batch: Batch,
    pub(crate) spec: String,
    /// Digests of the blobs that it names.
    pub(crate) inputs: BTreeSet<String>,
    pub(crate) key: Option<(String, [u8; 32])>,
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) id: JobId,
    pub(crate) batch: Option<Batch>,
    pub(crate) status: Status,
    pub(crate) finished_at: Timestamp,
    pub(crate) summary: String,
    /// Digests, and what the files take together.
    pub(crate) artifacts: (BTreeSet<String>, u64),
    pub(crate) callback: Option<(String, Vec<u8>)>,
}

/// Of a job that has ended.
#[derive(Debug)]
pub(crate) struct AfterEnd {
    pub(crate) id: JobId,
    pub(crate) at: Timestamp,
    pub(crate) what: Happened,
}

#[derive(Debug)]
pub(crate) enum Write {
    Accept(Box<Accept>),
    Append {
        id: JobId,
        batch: Batch,
    },
    End(Box<End>),
    Note(Box<AfterEnd>),
    Delete(JobId),
    CallbackDone(JobId),
    CallbackAgain {
        id: JobId,
        at: Timestamp,
    },
    /// A file of this digest is there.
    Blob {
        digest: String,
        bytes: u64,
        at: Timestamp,
    },
    /// The tenant has sent it. `most`: what all of its uploads may take.
    Upload {
        tenant: String,
        digest: String,
        bytes: u64,
        at: Timestamp,
        most: u64,
    },
    /// Ended jobs whose time has come.
    Forget(Vec<i64>),
    ForgetKeys {
        before: Timestamp,
    },
    ForgetUploads {
        unused_since: Timestamp,
    },
    /// Those among them that nothing refers to and nobody has seen since.
    ForgetBlobs {
        digests: Vec<String>,
        unseen_since: Timestamp,
    },
    /// Nothing: answered once all before it was written.
    Settle,
    /// Nothing: answered as a write in its place would be.
    Turn,
    /// Gives so many free pages back to the file system; the last of several cuts off the log as well.
    Shrink {
        pages: u32,
        last: bool,
    },
}

impl AfterEnd {
    fn size(&self) -> usize {
        let Happened::Noted { labels, annotations } = &self.what else { return 0 };
        labels.iter().chain(annotations).map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl Write {
    /// About what it takes in memory.
    pub(crate) fn size(&self) -> usize {
        256 + match self {
            Self::Accept(new) => new.spec.len() + new.batch.json.len(),
            Self::Append { batch, .. } => batch.json.len(),
            Self::End(end) => end.summary.len() + end.batch.as_ref().map_or(0, |batch| batch.json.len()),
            Self::Note(note) => note.size(),
            Self::Forget(jobs) => 8 * jobs.len(),
            Self::ForgetBlobs { digests, .. } => 96 * digests.len(),
            _ => 0,
        }
    }

    /// Whether it is of a job that was taken in, and must not be lost to a disk that is full for a while.
    pub(crate) fn must_last(&self) -> bool {
        use Write::{Append, CallbackAgain, CallbackDone, Delete, End, Note};
        matches!(
            self,
            Append { .. }
                | End(_)
                | Note(_)
                | Delete(_)
                | CallbackDone(_)
                | CallbackAgain { .. }
                | Self::Blob { .. }
        )
    }
}

/// The tables as the one writer sees them, within a transaction.
pub(crate) struct Tables<'a> {
    pub(crate) db: &'a Connection,
    /// The highest number that a job has.
    pub(crate) last: &'a mut i64,
    /// No new jobs or uploads.
    pub(crate) full: bool,
}

impl Tables<'_> {
    pub(crate) fn apply(&mut self, write: &Write) -> Applied {
        match write {
            Write::Accept(new) => self.accept(new),
            Write::Append { id, batch } => self.append(*id, batch),
            Write::End(end) => self.end(end),
            Write::Note(note) => self.note(note),
            Write::Delete(id) => self.delete(*id),
            Write::CallbackDone(id) => {
                self.run("DELETE FROM callbacks WHERE job = (SELECT job FROM jobs WHERE id = ?)", [text(*id)])
            }
            Write::CallbackAgain { id, at } => self.run(
                "UPDATE callbacks SET attempt = attempt + 1, due_at = ?2
                 WHERE job = (SELECT job FROM jobs WHERE id = ?1)",
                params![text(*id), nanos(*at)],
            ),
            Write::Blob { digest, bytes, at } => self.blob(digest, *bytes, *at),
            Write::Upload { tenant, digest, bytes, at, most } => {
                self.upload(tenant, digest, *bytes, *at, *most)
            }
            Write::Forget(jobs) => {
                jobs.iter().try_for_each(|job| self.forget(*job))?;
                Ok(Ok(()))
            }
            Write::ForgetKeys { before } => self.run("DELETE FROM keys WHERE at < ?", [nanos(*before)]),
            Write::ForgetUploads { unused_since } => self.forget_uploads(*unused_since),
            Write::ForgetBlobs { digests, unseen_since } => self.forget_blobs(digests, *unseen_since),
            Write::Settle | Write::Turn => Ok(Ok(())),
            Write::Shrink { pages, last: _ } => self.shrink(*pages),
        }
    }

    /// One statement that cannot be refused.
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> Applied {
        self.execute(sql, values)?;
        Ok(Ok(()))
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.db.prepare_cached(sql)?.execute(values)
    }

    fn first<T: rusqlite::types::FromSql>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> rusqlite::Result<Option<T>> {
        self.db.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()
    }

    fn shrink(&self, pages: u32) -> Applied {
        let mut freeing = self.db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
        let mut rows = freeing.query([])?;
        while rows.next()?.is_some() {}
        Ok(Ok(()))
    }
}

pub(crate) fn text(id: JobId) -> String {
    id.to_string()
}
