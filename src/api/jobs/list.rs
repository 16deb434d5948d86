//! `GET /jobs`: newest first, in pages.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use journal::Filter;
use model::{Job, Status};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Reader};
use crate::problem::Problem;
use crate::query::{Query, QueryError, short};
use crate::store::Store;

const PAGE: usize = 50;
const MAX_PAGE: usize = 200;
const MAX_LABELS: usize = 16;
const STATUSES: &str = "^[a-z_]+(?:,[a-z_]+)*$";

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Parameters {
    /// One or more, separated by commas.
    #[schemars(regex(pattern = STATUSES))]
    status: Option<String>,
    /// `key:value`, separated by commas: all must match.
    #[schemars(regex(pattern = "^[^:,]*:[^,]*(?:,[^:,]*:[^,]*){0,15}$"))]
    label: Option<String>,
    /// Another than the caller's own, or `*` for all: for admins.
    tenant: Option<String>,
    /// RFC 3339.
    created_after: Option<Timestamp>,
    /// RFC 3339.
    created_before: Option<Timestamp>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// Jobs on a page, 50 when left out.
    #[schemars(range(min = 1, max = MAX_PAGE))]
    limit: Option<usize>,
}

/// A page of jobs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobPage")]
pub(crate) struct Page {
    /// Without what steps and cases printed.
    items: Vec<Job>,
    /// To be given as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

pub(crate) async fn list(
    State(store): State<Store>,
    Reader(caller): Reader,
    Query(parameters): Query<Parameters>,
) -> Result<Json<Page>, Problem> {
    let limit = parameters.limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(QueryError::Syntax(format!("`limit` is from 1 to {MAX_PAGE}")).into());
    }
    let (filter, cursor) = (filter(&parameters, &caller)?, parameters.cursor);
    let all = store.clone();
    let page = store.read(move |journal| {
        let page = journal.list(&filter, cursor.as_deref(), limit)?;
        let items = page.items.into_iter().map(|job| current(&all, job)).collect();
        Ok(Page { items, next_cursor: page.next })
    });
    Ok(Json(page.await?))
}

fn filter(parameters: &Parameters, caller: &Caller) -> Result<Filter, Problem> {
    let tenant = match parameters.tenant.as_deref() {
        Some("*") => caller.admin().map(|()| None)?,
        Some(tenant) if tenant != caller.tenant => caller.admin().map(|()| Some(tenant.to_owned()))?,
        _ => Some(caller.tenant.clone()),
    };
    Ok(Filter {
        tenant,
        statuses: parameters.status.as_deref().map(statuses).transpose()?.unwrap_or_default(),
        labels: parameters.label.as_deref().map(labels).transpose()?.unwrap_or_default(),
        created_after: parameters.created_after,
        created_before: parameters.created_before,
    })
}

fn statuses(text: &str) -> Result<Vec<Status>, QueryError> {
    let status = |word: &str| {
        let parsed = serde_json::from_value(word.into());
        parsed.map_err(|_| QueryError::Syntax(format!("`{}` is no status of a job", short(word))))
    };
    text.split(',').map(status).collect()
}

fn labels(text: &str) -> Result<BTreeMap<String, String>, QueryError> {
    let syntax = || QueryError::Syntax(format!("`label` is up to {MAX_LABELS} of `key:value`, with commas"));
    let pair = |pair: &str| pair.split_once(':').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let pairs: Option<BTreeMap<_, _>> = text.split(',').map(pair).collect();
    pairs.filter(|pairs| pairs.len() <= MAX_LABELS).ok_or_else(syntax)
}

/// A job that runs is further than the journal. Putting it together takes its time: not for a worker.
fn current(store: &Store, job: Job) -> Job {
    let Some(live) = store.live(job.id).and_then(|live| live.job()) else { return job };
    live.without_outputs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_or_refused() {
        assert_eq!(statuses("queued,wrong_output"), Ok(vec![Status::Queued, Status::WrongOutput]));
        assert!(statuses("queued,").is_err());
        assert!(statuses("Running").is_err());
        assert_eq!(
            labels("a:b:c,d:"),
            Ok(BTreeMap::from([("a".into(), "b:c".into()), ("d".into(), String::new())]))
        );
        assert!(labels("a").is_err());
    }
}
