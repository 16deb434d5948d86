//! A large body on its way to the disk: only a little of it is in memory at any time, and no thread waits for its caller.

mod pace;

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderValue, header};
use tokio::time::{Instant, timeout_at};

use pace::Pace;

/// Written at once, by a thread that may wait for the disk.
const BATCH: usize = 128 << 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("`Content-Encoding` is not supported: send the bytes as they are")]
    Encoding,
    #[error("the body has at most {0} bytes")]
    TooLarge(u64),
    #[error("the body came too slowly: less than 1 KiB/s over {} s", pace::SPAN.as_secs())]
    TooSlow,
    #[error("the body could not be read: {0}")]
    Aborted(String),
    #[error("a thread that was to write a body ended early: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Where the bytes go. Dropped, nothing of them stays.
pub(crate) trait Sink: Send + 'static {
    type Error: From<ReceiveError> + Send;

    /// Blocks.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// What can be known from the head alone, before one byte is read.
pub(crate) fn check(headers: &HeaderMap, body: &Body, most: u64) -> Result<(), ReceiveError> {
    let identity = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(header::CONTENT_ENCODING).iter().all(identity) {
        return Err(ReceiveError::Encoding);
    }
    if body.size_hint().lower() > most {
        return Err(ReceiveError::TooLarge(most));
    }
    Ok(())
}

pub(crate) async fn receive<S: Sink>(mut sink: S, mut body: Body, most: u64) -> Result<S, S::Error> {
    let mut pace = Pace::new(Instant::now());
    let (mut all, mut waiting, mut batch) = (0, 0, Vec::new());
    while let Some(data) = next(&mut body, pace.until).await? {
        all += data.len() as u64;
        if all > most {
            return Err(ReceiveError::TooLarge(most).into());
        }
        pace.came(data.len(), Instant::now());
        waiting += data.len();
        batch.push(data);
        if waiting >= BATCH {
            let start = Instant::now();
            sink = write(sink, mem::take(&mut batch)).await?;
            pace.excuse(start.elapsed());
            waiting = 0;
        }
    }
    write(sink, batch).await
}

async fn next(body: &mut Body, until: Instant) -> Result<Option<Bytes>, ReceiveError> {
    loop {
        let frame = timeout_at(until, poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await;
        let Some(frame) = frame.map_err(|_| ReceiveError::TooSlow)? else { return Ok(None) };
        // What is not data is trailers, of no use here.
        if let Ok(data) = frame.map_err(|error| ReceiveError::Aborted(error.to_string()))?.into_data() {
            return Ok(Some(data));
        }
    }
}

async fn write<S: Sink>(mut sink: S, batch: Vec<Bytes>) -> Result<S, S::Error> {
    let written = tokio::task::spawn_blocking(move || {
        batch.iter().try_for_each(|data| sink.put(data))?;
        Ok(sink)
    });
    written.await.map_err(ReceiveError::from)?
}
