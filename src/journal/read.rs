//! What the journal answers. Everything here blocks, and sees what is committed.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use model::{Event, Job, JobId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::batch::{nanos, time};
use crate::recover::{events, parse};
use crate::write::{KEY_HOURS, text};
use crate::{Journal, JournalError, schema};

mod list;

pub use list::{Filter, Page};

/// Connections that stay open between reads.
const MOST_IDLE: usize = 8;

#[derive(Debug)]
pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, idle: Mutex::new(Vec::new()) }
    }

    /// As of one moment, however many statements it takes.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle().pop();
        let db = kept.map_or_else(|| schema::reader(&self.file), Ok)?;
        let moment = db.unchecked_transaction()?;
        let done = work(&moment);
        drop(moment);
        let mut idle = idle();
        if idle.len() < MOST_IDLE {
            idle.push(db);
        }
        done
    }
}

/// What a tenant has here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Finished or not.
    pub jobs: u64,
    /// Events, summaries and artifacts of finished jobs.
    pub bytes: u64,
    pub blob_bytes: u64,
}

/// A callback whose time has come.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    pub id: JobId,
    pub url: String,
    pub secret: Vec<u8>,
    /// Tried so often before.
    pub attempt: u32,
    pub first_at: Timestamp,
}

impl std::fmt::Debug for Due {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Due").field("id", &self.id).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl Journal {
    /// As its events make it, with all that it printed.
    pub fn job(&self, id: JobId) -> Result<Option<Job>, JournalError> {
        self.readers().read(|db| {
            let Some(job) = number(db, id)? else { return Ok(None) };
            Ok(Job::from_events(events(db, job)?))
        })
    }

    pub fn tenant_of(&self, id: JobId) -> Result<Option<String>, JournalError> {
        self.readers().read(|db| {
            let mut finding = db.prepare_cached("SELECT tenant FROM jobs WHERE id = ?")?;
            Ok(finding.query_row([text(id)], |row| row.get(0)).optional()?)
        })
    }

    /// At most `limit` of those numbered above `after`; `None` where there is no such job.
    pub fn events(&self, id: JobId, after: u64, limit: usize) -> Result<Option<Vec<Event>>, JournalError> {
        self.readers().read(|db| {
            let Some(job) = number(db, id)? else { return Ok(None) };
            events_after(db, job, after, limit).map(Some)
        })
    }

    /// The job that a key stands for, and the SHA-256 of what was sent with it. Kept for 24 hours, though the job may be
    /// gone by then.
    pub fn idempotent(&self, tenant: &str, key: &str) -> Result<Option<(JobId, [u8; 32])>, JournalError> {
        let since = nanos(Timestamp::now()).saturating_sub(KEY_HOURS * 3_600_000_000_000);
        self.readers().read(|db| {
            let mut finding =
                db.prepare_cached("SELECT id, body FROM keys WHERE tenant = ?1 AND key = ?2 AND at >= ?3")?;
            let found: Option<(String, [u8; 32])> = finding
                .query_row(params![tenant, key, since], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(found.and_then(|(id, body)| Some((JobId::parse(&id)?, body))))
        })
    }

    pub fn usage(&self, tenant: &str) -> Result<Stored, JournalError> {
        self.readers().read(|db| {
            let one = |sql: &str| -> Result<u64, JournalError> {
                let count: i64 = db.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))?;
                Ok(count.unsigned_abs())
            };
            Ok(Stored {
                jobs: one("SELECT count(*) FROM jobs WHERE tenant = ?")?,
                bytes: one("SELECT coalesce(sum(bytes), 0) FROM jobs
                            WHERE tenant = ? AND finished_at IS NOT NULL")?,
                blob_bytes: one("SELECT coalesce(sum(bytes), 0) FROM uploads WHERE tenant = ?")?,
            })
        })
    }

    /// The longest due first. After `latest` none can be due but by a clock that went back since: those are due too.
    pub fn due_callbacks(
        &self,
        now: Timestamp,
        latest: Timestamp,
        limit: usize,
    ) -> Result<Vec<Due>, JournalError> {
        self.readers().read(|db| {
            let mut finding = db.prepare_cached(
                "SELECT id, url, secret, attempt, first_at FROM callbacks JOIN jobs USING (job)
                 WHERE due_at <= ?1 OR due_at > ?2 ORDER BY due_at LIMIT ?3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = finding.query(params![nanos(now), nanos(latest), limit])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                let id: String = row.get(0)?;
                let Some(id) = JobId::parse(&id) else { continue };
                let (url, secret, attempt) = (row.get(1)?, row.get(2)?, row.get(3)?);
                due.push(Due { id, url, secret, attempt, first_at: time(row.get(4)?) });
            }
            Ok(due)
        })
    }

    /// When the next is due, past or to come.
    pub fn next_callback(&self) -> Result<Option<Timestamp>, JournalError> {
        self.readers().read(|db| {
            let mut finding = db.prepare_cached("SELECT min(due_at) FROM callbacks")?;
            let next: Option<i64> = finding.query_row([], |row| row.get(0))?;
            Ok(next.map(time))
        })
    }
}

fn number(db: &Connection, id: JobId) -> rusqlite::Result<Option<i64>> {
    let mut finding = db.prepare_cached("SELECT job FROM jobs WHERE id = ?")?;
    finding.query_row([text(id)], |row| row.get(0)).optional()
}

/// Begins with the batch that the first of them is in, so that reading on does not read what came before again.
fn events_after(db: &Connection, job: i64, after: u64, limit: usize) -> Result<Vec<Event>, JournalError> {
    let mut finding = db.prepare_cached(
        "SELECT batch FROM events WHERE job = ?1
             AND first >= coalesce((SELECT max(first) FROM events WHERE job = ?1 AND first <= ?2), 0)
         ORDER BY first",
    )?;
    let next = i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows = finding.query([job, next])?;
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let batch: Vec<Event> = parse(row, 0)?;
        let wanted = batch.into_iter().filter(|event| event.seq > after);
        found.extend(wanted.take(limit - found.len()));
    }
    Ok(found)
}
