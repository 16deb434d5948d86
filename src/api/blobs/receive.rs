//! An upload on its way to the disk: only a little of it is in memory at any time, and no thread waits for its caller.

use std::future::poll_fn;
use std::mem;
use std::pin::Pin;

use axum::body::{Body, Bytes, HttpBody};
use journal::Upload;
use tokio::time::{Instant, timeout_at};

use super::BlobsError;
use super::pace::Pace;

/// Written at once, by a thread that may wait for the disk.
const BATCH: usize = 128 << 10;

/// What was written of an upload that fails goes with it.
pub(super) async fn receive(mut upload: Upload, mut body: Body, most: u64) -> Result<Upload, BlobsError> {
    let mut pace = Pace::new(Instant::now());
    let (mut all, mut waiting, mut batch) = (0, 0, Vec::new());
    while let Some(data) = next(&mut body, pace.until).await? {
        all += data.len() as u64;
        if all > most {
            return Err(BlobsError::TooLarge(most));
        }
        pace.came(data.len(), Instant::now());
        waiting += data.len();
        batch.push(data);
        if waiting >= BATCH {
            let start = Instant::now();
            upload = write(upload, mem::take(&mut batch)).await?;
            pace.excuse(start.elapsed());
            waiting = 0;
        }
    }
    write(upload, batch).await
}

async fn next(body: &mut Body, until: Instant) -> Result<Option<Bytes>, BlobsError> {
    loop {
        let frame = timeout_at(until, poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await;
        let Some(frame) = frame.map_err(|_| BlobsError::TooSlow)? else { return Ok(None) };
        // What is not data is trailers, of no use here.
        if let Ok(data) = frame.map_err(|error| BlobsError::Aborted(error.to_string()))?.into_data() {
            return Ok(Some(data));
        }
    }
}

async fn write(mut upload: Upload, batch: Vec<Bytes>) -> Result<Upload, BlobsError> {
    let written = tokio::task::spawn_blocking(move || {
        batch.iter().try_for_each(|data| upload.write(data))?;
        Ok(upload)
    });
    written.await?
}
