//! A part of a file as the body of an answer, read piece by piece as the caller takes it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

const PIECE: u64 = 128 << 10;

pub(crate) struct Contents {
    file: Arc<File>,
    left: Range<u64>,
    /// By a thread that may wait for the disk.
    reading: Option<JoinHandle<io::Result<Bytes>>>,
    /// For as long as somebody reads.
    _held: Option<Box<dyn Send>>,
}

impl Contents {
    pub(crate) fn new(file: Arc<File>, range: Range<u64>) -> Self {
        Self { file, left: range, reading: None, _held: None }
    }

    /// Keeps this until the answer has gone, or who asked has.
    pub(crate) fn with(self, held: impl Send + 'static) -> Self {
        Self { _held: Some(Box::new(held)), ..self }
    }

    fn read(&self) -> JoinHandle<io::Result<Bytes>> {
        let Range { start, end } = self.left;
        let file = Arc::clone(&self.file);
        spawn_blocking(move || {
            let length = usize::try_from((end - start).min(PIECE)).map_err(io::Error::other)?;
            let mut piece = vec![0; length];
            // A file that is shorter than it was is an error: the answer's length is told already.
            file.read_exact_at(&mut piece, start)?;
            Ok(piece.into())
        })
    }
}

impl HttpBody for Contents {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let mut reading = self.reading.take().unwrap_or_else(|| self.read());
        let Poll::Ready(read) = Pin::new(&mut reading).poll(cx) else {
            self.reading = Some(reading);
            return Poll::Pending;
        };
        let read = read.unwrap_or_else(|error| Err(io::Error::other(error)));
        self.left.start = read.as_ref().map_or(self.left.end, |piece| self.left.start + piece.len() as u64);
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.end - self.left.start)
    }
}
