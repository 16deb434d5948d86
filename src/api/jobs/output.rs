//! `GET /jobs/{id}/steps/{step}/stdout` and `/stderr`: what a step printed, byte for byte, of a running one what it has
//! printed so far.
//!
//! Of more than `output_bytes` the head and the tail are kept and come without anything between them;
//! `Stockade-Truncated: true` says so, and `Stockade-Bytes-Printed` how many bytes it were.

use std::borrow::Borrow;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use model::{Event, Happened, Printed, Stream};

use crate::caller::Reader;
use crate::digest::Digest;
use crate::download::{Caching, Download};
use crate::jobs::{Missing, ThisJob};
use crate::problem::Problem;
use crate::store::{Found, Store};

const BYTES_PRINTED: HeaderName = HeaderName::from_static("stockade-bytes-printed");
const TRUNCATED: HeaderName = HeaderName::from_static("stockade-truncated");

/// The `{step}` and the `{stream}` of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThisStream {
    step: String,
    stream: Stream,
}

impl<S: Send + Sync> FromRequestParts<S> for ThisStream {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| Missing::Output)?;
        let param = |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        let stream = match param("stream") {
            Some("stdout") => Stream::Stdout,
            Some("stderr") => Stream::Stderr,
            _ => return Err(Missing::Output.into()),
        };
        let step = param("step").ok_or(Missing::Output)?.to_owned();
        Ok(Self { step, stream })
    }
}

/// What is kept of what a step printed to one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    bytes: Bytes,
    /// Bytes printed, kept or not.
    printed: u64,
    truncated: bool,
}

pub(crate) async fn output(
    State(store): State<Store>,
    Reader(caller): Reader,
    ThisJob(id): ThisJob,
    this: ThisStream,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let printed = match store.find(id, &caller).await? {
        Found::Live(live) => printed(&live.history(), &this),
        // The ended job has its outputs as text; what was printed is in its events.
        Found::Ended(_) => {
            let events =
                store.read(move |journal| journal.events(id, 0, usize::MAX)).await?.ok_or(Missing::Job)?;
            printed(&events, &this)
        }
    };
    let (printed, bytes) = printed.ok_or(Missing::Output)?;
    answer(&this, Kept::of(&printed, bytes), &method, &headers).await
}

/// Of the job's last run, where it was run again; `None` where the step has not begun in it.
fn printed<E: Borrow<Event>>(events: &[E], this: &ThisStream) -> Option<(Printed, u64)> {
    let again = |event: &E| matches!(event.borrow().what, Happened::Requeued { .. });
    let events = &events[events.iter().rposition(again).unwrap_or(0)..];
    let begun =
        |event: &E| matches!(&event.borrow().what, Happened::StepStarted { step } if *step == this.step);
    let first = events.iter().position(begun)?;
    let (mut printed, mut bytes) = (Printed::default(), 0);
    for event in &events[first..] {
        match &event.borrow().what {
            Happened::Output(chunk) if chunk.step == this.step && chunk.stream == this.stream => {
                let piece = chunk.bytes();
                bytes = chunk.offset + piece.len() as u64;
                printed.push(chunk.offset, piece);
            }
            Happened::StepEnded { step } if step.name == this.step => {
                bytes = if this.stream == Stream::Stdout { step.stdout.bytes } else { step.stderr.bytes };
            }
            _ => (),
        }
    }
    Some((printed, bytes))
}

impl Kept {
    fn of(printed: &Printed, bytes: u64) -> Self {
        let (head, tail) = printed.parts();
        let kept = [head, tail].concat();
        Self { truncated: bytes > kept.len() as u64, bytes: kept.into(), printed: bytes }
    }
}

async fn answer(
    ThisStream { step, stream }: &ThisStream,
    Kept { bytes, printed, truncated }: Kept,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let stream = match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => "stderr",
    };
    let digest = Digest::of_all(bytes.clone()).await?;
    let name = format!("{step}.{stream}");
    // Also of an ended step: a job that is run again prints it anew.
    let caching = Caching::Revalidate;
    let download = Download { name: &name, digest, bytes: bytes.len() as u64, caching };
    let mut response = download.answer_from(method, headers, &bytes);
    response.headers_mut().insert(BYTES_PRINTED, printed.into());
    if truncated {
        response.headers_mut().insert(TRUNCATED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests;
