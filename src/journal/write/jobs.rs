//! Jobs: taken in, going on, ended, forgotten.

use model::{Event, Job, JobId, Status};
use rusqlite::{OptionalExtension, params};

use super::{Accept, AfterEnd, Applied, End, Tables, text};
use crate::JournalError;
use crate::batch::{Batch, Note, nanos};

/// Of labels, with what policies add: as `model::Job::note`.
const MOST_LABELS: i64 = 64;
/// About what a job takes on disk beside what is counted byte by byte.
const ROWS: i64 = 1024;
/// How long an idempotency key is kept.
pub(crate) const KEY_HOURS: i64 = 24;

impl Tables<'_> {
    pub(super) fn accept(&mut self, new: &Accept) -> Applied {
        if self.full {
            return Ok(Err(JournalError::Full));
        }
        if let Some(digest) = self.missing(&new.inputs)? {
            return Ok(Err(JournalError::BlobGone(digest)));
        }
        if let Some((key, _)) = &new.key
            && let Some(owner) = self.key_owner(&new.tenant, key, nanos(new.created_at))?
        {
            return Ok(Err(JournalError::KeyTaken(owner)));
        }
        let created = nanos(new.created_at);
        *self.last = created.max(self.last.saturating_add(1));
        let (job, id) = (*self.last, text(new.id));
        self.execute(
            "INSERT INTO jobs (job, id, tenant, status, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![job, id, new.tenant, new.batch.status.unwrap_or(Status::Queued).word(), created],
        )?;
        self.execute("INSERT INTO specs VALUES (?1, ?2)", params![job, new.spec])?;
        self.write(job, &new.batch)?;
        for (name, value) in &new.labels {
            self.execute("INSERT INTO labels VALUES (?1, ?2, ?3)", params![job, name, value])?;
        }
        for digest in &new.inputs {
            self.uses(job, digest, true)?;
        }
        if let Some((key, body)) = &new.key {
            let values = params![new.tenant, key, id, body, created];
            self.execute("INSERT OR REPLACE INTO keys VALUES (?1, ?2, ?3, ?4, ?5)", values)?;
        }
        Ok(Ok(()))
    }

    /// The job that an unexpired key stands for.
    fn key_owner(&self, tenant: &str, key: &str, now: i64) -> rusqlite::Result<Option<JobId>> {
        let since = now.saturating_sub(KEY_HOURS * 3_600_000_000_000);
        let sql = "SELECT id FROM keys WHERE tenant = ?1 AND key = ?2 AND at >= ?3";
        let id: Option<String> = self.first(sql, params![tenant, key, since])?;
        Ok(id.as_deref().and_then(JobId::parse))
    }

    pub(super) fn append(&mut self, id: JobId, batch: &Batch) -> Applied {
        let Some((job, ended)) = self.find(id)? else { return Ok(Err(JournalError::Unknown(id))) };
        if ended {
            return self.append_to_ended(job, batch);
        }
        self.write(job, batch)?;
        if let Some(status) = batch.status {
            self.execute("UPDATE jobs SET status = ?2 WHERE job = ?1", params![job, status.word()])?;
        }
        Ok(Ok(()))
    }

    pub(super) fn end(&mut self, end: &End) -> Applied {
        let Some((job, ended)) = self.find(end.id)? else { return Ok(Err(JournalError::Unknown(end.id))) };
        if ended {
            return Ok(Err(JournalError::Ended(end.id)));
        }
        if let Some(batch) = &end.batch {
            self.write(job, batch)?;
        }
        self.release(job)?;
        let (artifacts, artifact_bytes) = &end.artifacts;
        for digest in artifacts {
            self.uses(job, digest, false)?;
        }
        self.execute("DELETE FROM specs WHERE job = ?", [job])?;
        self.execute("INSERT INTO summaries VALUES (?1, ?2)", params![job, end.summary])?;
        let beside = ROWS.saturating_add(size(end.summary.len())).saturating_add(size(*artifact_bytes));
        self.execute(
            "UPDATE jobs SET status = ?2, finished_at = ?3,
                 bytes = ?4 + (SELECT coalesce(sum(octet_length(batch)), 0) FROM events WHERE job = ?1)
             WHERE job = ?1",
            params![job, end.status.word(), nanos(end.finished_at), beside],
        )?;
        if let Some((url, secret)) = &end.callback {
            let values = params![job, url, secret, nanos(end.finished_at)];
            self.execute("INSERT INTO callbacks VALUES (?1, ?2, ?3, 0, ?4, ?4)", values)?;
        }
        Ok(Ok(()))
    }

    pub(super) fn note(&mut self, note: &AfterEnd) -> Applied {
        let Some((job, ended)) = self.find(note.id)? else { return Ok(Err(JournalError::Unknown(note.id))) };
        if !ended {
            return Ok(Err(JournalError::Unfinished(note.id)));
        }
        let sql = "SELECT last FROM events WHERE job = ? ORDER BY first DESC LIMIT 1";
        let last: Option<i64> = self.first(sql, [job])?;
        let seq = last.unwrap_or(0).unsigned_abs() + 1;
        match Batch::of(&[Event { seq, at: note.at, what: note.what.clone() }]) {
            Ok(Some(batch)) => self.append_to_ended(job, &batch),
            Ok(None) => Ok(Ok(())),
            Err(error) => Ok(Err(error)),
        }
    }

    fn append_to_ended(&mut self, job: i64, batch: &Batch) -> Applied {
        self.write(job, batch)?;
        self.note_summary(job, &batch.notes)?;
        self.grow(job, batch.json.len())?;
        Ok(Ok(()))
    }

    pub(super) fn delete(&mut self, id: JobId) -> Applied {
        let Some((job, ended)) = self.find(id)? else { return Ok(Err(JournalError::Unknown(id))) };
        if !ended {
            return Ok(Err(JournalError::Unfinished(id)));
        }
        self.execute("DELETE FROM keys WHERE id = ?", [text(id)])?;
        self.forget(job)?;
        Ok(Ok(()))
    }

    /// Its idempotency key stays for its time: a request sent again must not run again.
    pub(super) fn forget(&self, job: i64) -> rusqlite::Result<()> {
        for sql in [
            "DELETE FROM events WHERE job = ?",
            "DELETE FROM specs WHERE job = ?",
            "DELETE FROM summaries WHERE job = ?",
            "DELETE FROM labels WHERE job = ?",
            "DELETE FROM callbacks WHERE job = ?",
            "DELETE FROM uses WHERE job = ?",
            "DELETE FROM jobs WHERE job = ?",
        ] {
            self.execute(sql, [job])?;
        }
        Ok(())
    }

    /// Its number, and whether it has ended.
    fn find(&self, id: JobId) -> rusqlite::Result<Option<(i64, bool)>> {
        let mut finding =
            self.db.prepare_cached("SELECT job, finished_at IS NOT NULL FROM jobs WHERE id = ?")?;
        finding.query_row([text(id)], |row| Ok((row.get(0)?, row.get(1)?))).optional()
    }

    fn write(&self, job: i64, batch: &Batch) -> rusqlite::Result<()> {
        let values = params![job, size(batch.first), size(batch.last), batch.json];
        self.execute("INSERT INTO events VALUES (?1, ?2, ?3, ?4)", values)?;
        for (name, value) in batch.notes.iter().flat_map(|(labels, _)| labels) {
            self.label(job, name, value)?;
        }
        Ok(())
    }

    /// A label is never replaced, and there is an end to how many a job may have.
    fn label(&self, job: i64, name: &str, value: &str) -> rusqlite::Result<()> {
        self.execute(
            "INSERT OR IGNORE INTO labels SELECT ?1, ?2, ?3
             WHERE (SELECT count(*) FROM labels WHERE job = ?1) < ?4",
            params![job, name, value, MOST_LABELS],
        )?;
        Ok(())
    }

    fn note_summary(&self, job: i64, notes: &[Note]) -> rusqlite::Result<()> {
        if notes.is_empty() {
            return Ok(());
        }
        let summary: Option<String> = self.first("SELECT summary FROM summaries WHERE job = ?", [job])?;
        let Some(mut told) = summary.and_then(|text| serde_json::from_str::<Job>(&text).ok()) else {
            return Ok(());
        };
        notes.iter().cloned().for_each(|(labels, annotations)| told.note(labels, annotations));
        let Ok(summary) = serde_json::to_string(&told) else { return Ok(()) };
        self.execute("UPDATE summaries SET summary = ?2 WHERE job = ?1", params![job, summary])?;
        Ok(())
    }

    fn grow(&self, job: i64, bytes: usize) -> rusqlite::Result<()> {
        self.execute("UPDATE jobs SET bytes = bytes + ?2 WHERE job = ?1", params![job, size(bytes)])?;
        Ok(())
    }
}

/// SQLite's integers have a sign; nothing that is counted here reaches it.
pub(super) fn size<T: TryInto<i64>>(count: T) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}
