//! A file as the body of a request: read beside the connection, so that an answer which comes early is seen.

use std::fs::File;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::output::Failure;

const PIECE: usize = 256 << 10;
/// Read ahead of what the server takes.
const PIECES: usize = 4;

#[derive(Debug)]
pub(crate) struct Upload {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    /// Of a file; a pipe has none.
    left: Option<u64>,
}

impl Upload {
    pub(crate) fn new(file: File) -> Result<Self, Failure> {
        let about = file.metadata().map_err(|error| Failure::caused("cannot read the archive", &error))?;
        if about.is_dir() {
            let hint = "pack it with `tar`, or work on this machine's store";
            return Err(Failure::new("a folder cannot be sent to a server").hint(hint));
        }
        let (send, pieces) = mpsc::channel(PIECES);
        // Not a task: reading a pipe may last for ever, and must not keep this process from its end.
        thread::spawn(move || read(file, &send));
        Ok(Self { pieces, left: about.is_file().then_some(about.len()) })
    }
}

fn read(mut file: File, to: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut piece = vec![0; PIECE];
        let read = match file.read(&mut piece) {
            Ok(0) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read,
        };
        let failed = read.is_err();
        let read = read.map(|length| {
            piece.truncate(length);
            Bytes::from(piece)
        });
        if to.blocking_send(read).is_err() || failed {
            return;
        }
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = self.pieces.poll_recv(context);
        if let (Poll::Ready(Some(Ok(piece))), Some(left)) = (&piece, &mut self.left) {
            *left = left.saturating_sub(piece.len() as u64);
        }
        piece.map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
