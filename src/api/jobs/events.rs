//! `GET /jobs/{id}/events`: what happened to a job, as it happens (server-sent events, WHATWG HTML §9.2) or in pages of JSON.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use model::{Event, Happened, JobId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::Reader;
use crate::jobs::{Missing, ThisJob};
use crate::problem::Problem;
use crate::query::{Query, QueryError};
use crate::sse;
use crate::store::live::Listener;
use crate::store::{Found, Store};

/// Events of one page, where it does not say, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;
const BATCH: usize = 256;
const LAST_EVENT_ID: &str = "last-event-id";

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Parameters {
    /// The number of an event: those after it are answered.
    after: Option<u64>,
    /// Of a page of JSON, 100 when left out.
    #[schemars(range(min = 1, max = MAX_PAGE))]
    limit: Option<usize>,
}

/// A page of events.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub(crate) struct Page {
    items: Vec<Event>,
    /// To be given as `after` for the next page; `null` where no more can come.
    next: Option<u64>,
}

pub(crate) async fn events(
    State(store): State<Store>,
    Reader(caller): Reader,
    ThisJob(id): ThisJob,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_seen(&headers)?.or(parameters.after).unwrap_or(0);
    let found = store.find(id, &caller).await?;
    if !sse::wanted(&headers) {
        return page(&store, id, &found, after, parameters.limit).await;
    }
    let mut feed = Feed { store, id, after, ready: VecDeque::new(), listener: None, done: false };
    match found {
        Found::Live(live) => feed.listener = Some(live.listen()),
        Found::Ended(_) => {
            feed.fill().await?;
            if feed.ready.is_empty() {
                // What tells a client not to come back (WHATWG HTML §9.2.3).
                return Ok(StatusCode::NO_CONTENT.into_response());
            }
        }
    }
    Ok(sse::answer(stream(feed)))
}

fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, QueryError> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| QueryError::Syntax("`Last-Event-ID` is the number of an event".into()))
}

async fn page(
    store: &Store,
    id: JobId,
    found: &Found,
    after: u64,
    limit: Option<usize>,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(QueryError::Syntax(format!("`limit` is from 1 to {MAX_PAGE}")).into());
    }
    let items = match found {
        Found::Live(live) => {
            // What cannot be written now is told when it is.
            let _ = live.write(&store.journal).await;
            live.events(after, limit)
        }
        Found::Ended(_) => read(store, id, after, limit).await?,
    };
    let last = items.last().map_or(after, |event| event.seq);
    let more = items.len() == limit || matches!(found, Found::Live(_));
    let items = items.into_iter().map(Arc::unwrap_or_clone).collect();
    Ok(Json(Page { next: more.then_some(last), items }).into_response())
}

async fn read(store: &Store, id: JobId, after: u64, limit: usize) -> Result<Vec<Arc<Event>>, Problem> {
    let events = store.read(move |journal| journal.events(id, after, limit)).await?.ok_or(Missing::Job)?;
    Ok(events.into_iter().map(Arc::new).collect())
}

/// One listener's place in a job's events.
struct Feed {
    store: Store,
    id: JobId,
    after: u64,
    ready: VecDeque<Arc<Event>>,
    /// While the job has not ended.
    listener: Option<Listener>,
    done: bool,
}

impl Feed {
    /// Nothing comes after `ended` but notes of policies, which who asks again later gets.
    async fn next(&mut self) -> Option<Arc<Event>> {
        while self.ready.is_empty() {
            if self.done || self.fill().await.is_err() {
                return None;
            }
        }
        let event = self.ready.pop_front()?;
        self.after = event.seq;
        Some(event)
    }

    async fn fill(&mut self) -> Result<(), Problem> {
        let Some(listener) = &mut self.listener else {
            self.ready = read(&self.store, self.id, self.after, BATCH).await?.into();
            self.done = self.ready.len() < BATCH;
            return Ok(());
        };
        if !listener.live.is_final() {
            listener.beyond(self.after).await;
        }
        self.ready = listener.live.events(self.after, BATCH).into();
        let ended = self.ready.iter().any(|event| matches!(event.what, Happened::Ended(_)));
        self.done = ended || (self.ready.is_empty() && listener.live.is_final());
        Ok(())
    }
}

fn stream(feed: Feed) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    futures_util::stream::unfold(feed, |mut feed| async {
        let event = feed.next().await?;
        // Texts and numbers: nothing in it could fail to serialise.
        let data = serde_json::to_string(&*event).unwrap_or_default();
        let sent = SseEvent::default().id(event.seq.to_string()).event(event.what.name()).data(data);
        Some((Ok(sent), feed))
    })
}

#[cfg(test)]
mod tests;
