//! Takes in a body: no more of it than allowed, for no longer than allowed, and only while all the bodies of jobs that
//! have not ended fit into the memory set aside for them.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::JsonError;

#[derive(Clone, Debug)]
pub(crate) struct Intake {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
    /// A permit for every byte.
    pub(crate) room: Arc<Semaphore>,
}

impl Intake {
    pub(crate) fn new(bytes: usize, time: Duration, room: usize) -> Self {
        // Never less than for one body, or the largest would be told for ever to come back later.
        let room = room.max(bytes).min(Semaphore::MAX_PERMITS);
        Self { bytes, time, room: Arc::new(Semaphore::new(room)) }
    }

    /// The room that comes with the bytes is to be kept for as long as what was made of them.
    pub(super) async fn take(&self, body: Body) -> Result<(Bytes, OwnedSemaphorePermit), JsonError> {
        // Known from `Content-Length`: refused before one byte is read.
        if body.size_hint().lower() > self.bytes as u64 {
            return Err(JsonError::TooLarge(self.bytes));
        }
        let taken = tokio::time::timeout(self.time, self.collect(body)).await;
        taken.unwrap_or(Err(JsonError::TooSlow(self.time)))
    }

    async fn collect(&self, mut body: Body) -> Result<(Bytes, OwnedSemaphorePermit), JsonError> {
        let mut room = self.room(0)?;
        let mut joined = Vec::new();
        while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            let frame = frame.map_err(|e| JsonError::Aborted(e.to_string()))?;
            // What is not data is trailers, of no use here.
            let Ok(data) = frame.into_data() else { continue };
            if joined.len() + data.len() > self.bytes {
                return Err(JsonError::TooLarge(self.bytes));
            }
            room.merge(self.room(data.len())?);
            // Nearly every body comes in one piece, which then need not be copied.
            if joined.is_empty() && body.is_end_stream() {
                return Ok((data, room));
            }
            joined.extend_from_slice(&data);
        }
        Ok((joined.into(), room))
    }

    fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, JsonError> {
        let bytes = u32::try_from(bytes).map_err(|_| JsonError::TooLarge(self.bytes))?;
        Arc::clone(&self.room).try_acquire_many_owned(bytes).map_err(|_| JsonError::NoRoom)
    }
}
