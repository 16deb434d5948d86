//! What a program prints: drained to the end whatever it is, kept up to a limit, and told as it comes.

use std::collections::VecDeque;

use model::{Output, Printed, Stream};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use crate::account::Begun;

/// Head and tail of a stream, half of the limit each: the first error and the last line are what people look for.
pub(crate) struct Kept {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
    /// Passed on instead of kept.
    relayed: bool,
    live: Option<Live>,
}

/// Tells the head as it grows, and the tail when it is known to be one.
struct Live {
    begun: Begun,
    stream: Stream,
    /// Bytes of the head that were told.
    told: usize,
}

impl Kept {
    pub(crate) fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { limit, head: Vec::new(), tail: VecDeque::new(), bytes: 0, relayed: false, live: None }
    }

    /// Every kept byte is told too, once and in order.
    pub(crate) fn told_to(self, begun: &Begun, stream: Stream) -> Self {
        let live = Live { begun: begun.clone(), stream, told: 0 };
        Self { live: Some(live), ..self }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes kept.
    pub(crate) fn length(&self) -> usize {
        self.head.len() + self.tail.len()
    }

    /// The kept bytes; everything that was printed, unless it was more than fits.
    pub(crate) fn all(&self) -> Vec<u8> {
        let (front, back) = self.tail.as_slices();
        [&self.head, front, back].concat()
    }

    /// As if `limit` had been smaller from the start.
    pub(crate) fn cut(self, limit: u64) -> Self {
        let mut cut = Self::new(limit);
        cut.push(&self.all());
        Self { bytes: self.bytes, live: self.live, relayed: self.relayed, ..cut }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.bytes > self.limit as u64
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        let head_room = self.limit.div_ceil(2) - self.head.len();
        let (head, rest) = chunk.split_at(chunk.len().min(head_room));
        self.head.extend_from_slice(head);
        let tail_limit = self.limit / 2;
        let rest = &rest[rest.len().saturating_sub(tail_limit)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(tail_limit);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
        if let Some(live) = &mut self.live {
            live.head(&self.head);
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(mut self) -> Output {
        self.tell_rest();
        if self.relayed {
            return Output { encoding: "utf-8".into(), bytes: self.bytes, ..Output::default() };
        }
        let (bytes, over) = (self.bytes, self.is_over());
        Printed::of(self.head, self.tail.into(), over).output(bytes)
    }

    fn tell_rest(&mut self) {
        let over = self.is_over();
        let Some(live) = &self.live else { return };
        let (at, rest, tail) = (live.told as u64, &self.head[live.told..], &*self.tail.make_contiguous());
        if over {
            live.tell(at, rest.to_vec());
            live.tell(self.bytes - tail.len() as u64, tail.to_vec());
        } else {
            // Nothing is missing between them, so a character across both is whole.
            live.tell(at, [rest, tail].concat());
        }
    }
}

impl Live {
    fn head(&mut self, head: &[u8]) {
        let end = head.len() - begun_character(&head[self.told..]);
        self.tell(self.told as u64, head[self.told..end].to_vec());
        self.told = end;
    }

    fn tell(&self, offset: u64, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.begun.printed(self.stream, offset, bytes);
        }
    }
}

/// Bytes at the end that begin a UTF-8 character of which more may come: 0 to 3.
fn begun_character(bytes: &[u8]) -> usize {
    for (behind, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        return if length > behind + 1 { behind + 1 } else { 0 };
    }
    0
}

/// Reads to the end, keeping what fits; tells `over` once when it was more.
pub(crate) async fn keep(mut from: impl AsyncRead + Unpin, kept: &mut Kept, over: &Notify) {
    let mut chunk = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let before = kept.is_over();
        kept.push(&chunk[..length]);
        if kept.is_over() && !before {
            over.notify_one();
        }
    }
}

/// Passes on to `to` until either side ends, counting. When `to` is gone `from` closes too, so the program learns of it
/// as it would without us: by SIGPIPE.
pub(crate) async fn relay(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    kept: &mut Kept,
) {
    kept.relayed = true;
    let mut chunk = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        kept.bytes += length as u64;
        if to.write_all(&chunk[..length]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
