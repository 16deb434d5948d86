//! Events as they are written, and what the derived columns take from them.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Event, Happened, Status};

use crate::JournalError;

/// What policies added in one event: labels, then annotations.
pub(crate) type Note = (BTreeMap<String, String>, BTreeMap<String, String>);

/// Events that are written at once; at least one.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) json: String,
    /// Where they change it, of a job that has not ended.
    pub(crate) status: Option<Status>,
    pub(crate) notes: Vec<Note>,
}

impl Batch {
    /// `None` for no events.
    pub(crate) fn of(events: &[impl Borrow<Event>]) -> Result<Option<Self>, JournalError> {
        let events: Vec<&Event> = events.iter().map(Borrow::borrow).collect();
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
        let status = events.iter().rev().find_map(|event| match event.what {
            Happened::Started { .. } => Some(Status::Running),
            Happened::Requeued { .. } => Some(Status::Queued),
            _ => None,
        });
        let notes = events.iter().filter_map(|event| match &event.what {
            Happened::Noted { labels, annotations } => Some((labels.clone(), annotations.clone())),
            _ => None,
        });
        Ok(Some(Self {
            first: first.seq,
            last: last.seq,
            json: serde_json::to_string(&events)?,
            status,
            notes: notes.collect(),
        }))
    }
}

/// Nanoseconds since 1970; times that do not fit (before 1677, after 2262) are the nearest that do.
pub(crate) fn nanos(at: Timestamp) -> i64 {
    let nanos = at.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

pub(crate) fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(nanos.into()).unwrap_or(Timestamp::UNIX_EPOCH)
}
