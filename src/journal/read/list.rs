//! Lists: newest first, page by page.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Event, Happened, Job, Status};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::batch::nanos;
use crate::recover::{events, parse};
use crate::{Journal, JournalError};

/// What a job must have to be in the list; nothing asked for is any.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub tenant: Option<String>,
    /// One of them.
    pub statuses: Vec<Status>,
    /// All of them.
    pub labels: BTreeMap<String, String>,
    /// Neither bound is within.
    pub created_after: Option<Timestamp>,
    pub created_before: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct Page {
    /// Without what steps and cases printed.
    pub items: Vec<Job>,
    /// Where there is more: the cursor of the page after this one.
    pub next: Option<String>,
}

impl Journal {
    /// Jobs that come while a list is read through are newer than all of it, so no page repeats or misses a job.
    pub fn list(&self, filter: &Filter, cursor: Option<&str>, limit: usize) -> Result<Page, JournalError> {
        let before = cursor.map_or(Ok(i64::MAX), |text| parse_cursor(text).ok_or(JournalError::Cursor))?;
        let limit = limit.clamp(1, 1000);
        let query = Query::new(filter, before, limit + 1);
        self.readers().read(|db| page(db, &query, limit))
    }
}

fn cursor(job: i64) -> String {
    format!("{job:016x}")
}

/// Only the form that [`cursor`] makes.
fn parse_cursor(text: &str) -> Option<i64> {
    let job = i64::from_str_radix(text, 16).ok()?;
    (cursor(job) == text).then_some(job)
}

fn page(db: &Connection, query: &Query, limit: usize) -> Result<Page, JournalError> {
    let mut finding = db.prepare_cached(&query.sql)?;
    let mut rows = finding.query(params_from_iter(&query.values))?;
    let (mut items, mut last, mut seen) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        if seen == limit {
            return Ok(Page { items, next: Some(cursor(last)) });
        }
        (last, seen) = (row.get(0)?, seen + 1);
        let told = if row.get_ref(1)? == rusqlite::types::ValueRef::Null {
            under_way(db, last)
        } else {
            ended(db, last, parse(row, 1)?).map(Some)
        };
        match told {
            Ok(job) => items.extend(job),
            // One that another version wrote must not hide the others.
            Err(JournalError::Unreadable(error)) => tracing::warn!(%error, "a job is left out of a list"),
            Err(error) => return Err(error),
        }
    }
    Ok(Page { items, next: None })
}

/// With the decisions that its [`Job::summary`] leaves out.
fn ended(db: &Connection, job: i64, mut summary: Job) -> Result<Job, JournalError> {
    if summary.policy.is_empty() {
        let mut finding =
            db.prepare_cached("SELECT batch FROM events WHERE job = ? ORDER BY first LIMIT 1")?;
        let first: Option<Vec<Event>> =
            finding.query_row([job], |row| Ok(parse(row, 0))).optional()?.transpose()?;
        let first = first.and_then(|events| events.into_iter().next());
        if let Some(Happened::Accepted(accepted)) = first.map(|event| event.what) {
            summary.policy = accepted.policy;
        }
    }
    Ok(summary)
}

/// A job without a summary: not ended yet.
fn under_way(db: &Connection, job: i64) -> Result<Option<Job>, JournalError> {
    let told = events(db, job)?.into_iter().filter(|event| !matches!(event.what, Happened::Output(_)));
    Ok(Job::from_events(told).as_ref().map(Job::without_outputs))
}

/// Whether only jobs that have not ended are asked for: they are few, and have a table of their own.
fn is_under_way(filter: &Filter) -> bool {
    !filter.statuses.is_empty() && !filter.statuses.iter().any(|status| status.is_final())
}

struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    /// One label leads, where there is one: few jobs have it, and its index is in the order of the list.
    fn new(filter: &Filter, before: i64, limit: usize) -> Self {
        let mut labels = filter.labels.iter();
        let (source, number) = match labels.len() {
            0 if is_under_way(filter) => ("specs CROSS JOIN jobs ON jobs.job = specs.job", "specs.job"),
            0 => ("jobs", "jobs.job"),
            _ => ("labels CROSS JOIN jobs ON jobs.job = labels.job", "labels.job"),
        };
        let mut query = Self {
            sql: format!(
                "SELECT jobs.job, summary FROM {source} LEFT JOIN summaries ON summaries.job = jobs.job
                 WHERE {number} < ?"
            ),
            values: vec![before.into()],
        };
        if let Some((name, value)) = labels.next() {
            query.and("labels.name = ? AND labels.value = ?", [name.clone().into(), value.clone().into()]);
        }
        for (name, value) in labels {
            let has = "EXISTS (SELECT 1 FROM labels more
                       WHERE more.job = jobs.job AND more.name = ? AND more.value = ?)";
            query.and(has, [name.clone().into(), value.clone().into()]);
        }
        query.filter(filter);
        query.sql = format!("{} ORDER BY {number} DESC LIMIT ?", query.sql);
        query.values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
        query
    }

    fn filter(&mut self, filter: &Filter) {
        if let Some(tenant) = &filter.tenant {
            self.and("jobs.tenant = ?", [tenant.clone().into()]);
        }
        if !filter.statuses.is_empty() {
            let places = vec!["?"; filter.statuses.len()].join(", ");
            let words = filter.statuses.iter().map(|status| status.word().to_owned().into());
            self.and(&format!("jobs.status IN ({places})"), words);
        }
        if let Some(after) = filter.created_after {
            self.and("jobs.created_at > ?", [nanos(after).into()]);
        }
        if let Some(before) = filter.created_before {
            self.and("jobs.created_at < ?", [nanos(before).into()]);
        }
    }

    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql += " AND ";
        self.sql += condition;
        self.values.extend(values);
    }
}
