//! What was under way when the journal was last closed, or its process killed.

use model::{Event, Happened, JobId, JobSpec};
use rusqlite::Connection;

use crate::JournalError;

/// A job that has not ended. What it is to do about it is the opener's to say.
#[derive(Debug)]
pub struct Unfinished {
    pub id: JobId,
    pub tenant: String,
    pub submitter: String,
    pub events: Vec<Event>,
    /// Contents that are blobs are not filled in. `None`: written by a version whose words this one does not know.
    pub spec: Option<JobSpec>,
}

pub(crate) fn unfinished(db: &Connection) -> Result<Vec<Unfinished>, JournalError> {
    let mut finding = db.prepare(
        "SELECT specs.job, id, spec FROM specs CROSS JOIN jobs ON jobs.job = specs.job
         WHERE finished_at IS NULL ORDER BY specs.job",
    )?;
    let mut rows = finding.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (job, id, spec): (i64, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if let Some(unfinished) = one(db, job, &spec) {
            found.push(unfinished);
        } else {
            tracing::error!(job = id, "its events cannot be read: it is left as it is");
        }
    }
    Ok(found)
}

fn one(db: &Connection, job: i64, spec: &str) -> Option<Unfinished> {
    let events = events(db, job).ok()?;
    let Some(Happened::Accepted(accepted)) = events.first().map(|event| &event.what) else { return None };
    let (id, tenant, submitter) = (accepted.id, accepted.tenant.clone(), accepted.submitter.clone());
    let spec = serde_json::from_str(spec).ok();
    Some(Unfinished { id, tenant, submitter, events, spec })
}

/// All events of a job.
pub(crate) fn events(db: &Connection, job: i64) -> Result<Vec<Event>, JournalError> {
    let mut finding = db.prepare_cached("SELECT batch FROM events WHERE job = ? ORDER BY first")?;
    let mut rows = finding.query([job])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let batch: Vec<Event> = parse(row, 0)?;
        events.extend(batch);
    }
    Ok(events)
}

/// JSON without a copy of its text.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> Result<T, JournalError> {
    let text = row.get_ref(column)?.as_bytes().map_err(rusqlite::Error::from)?;
    Ok(serde_json::from_slice(text)?)
}
