//! What a program prints: drained to the end whatever it is, kept up to a limit.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::Output;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

/// Head and tail of a stream, half of the limit each: the first error and the last line are what people look for.
#[derive(Debug)]
pub(crate) struct Kept {
    limit: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    bytes: u64,
}

impl Kept {
    pub(crate) fn new(limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { limit, head: Vec::new(), tail: VecDeque::new(), bytes: 0 }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn is_over(&self) -> bool {
        self.bytes > self.limit as u64
    }

    fn push(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        let head_room = self.limit.div_ceil(2) - self.head.len();
        let (head, rest) = chunk.split_at(chunk.len().min(head_room));
        self.head.extend_from_slice(head);
        let tail_limit = self.limit / 2;
        let rest = &rest[rest.len().saturating_sub(tail_limit)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(tail_limit);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    pub(crate) fn finish(self) -> Output {
        let truncated = self.is_over();
        let (mut head, mut tail) = (self.head, Vec::from(self.tail));
        if truncated {
            // A character cut in two would make text look like binary.
            head.truncate(complete_length(&head));
            tail.drain(..tail.iter().take(3).take_while(|byte| **byte & 0xC0 == 0x80).count());
            let dropped = self.bytes - (head.len() + tail.len()) as u64;
            head.extend_from_slice(format!("\n[… {dropped} bytes dropped …]\n").as_bytes());
        }
        head.append(&mut tail);
        let (text, encoding) = match String::from_utf8(head) {
            Ok(text) => (text, "utf-8"),
            Err(error) => (STANDARD.encode(error.as_bytes()), "base64"),
        };
        Output { text, encoding: encoding.into(), bytes: self.bytes, truncated }
    }
}

/// How much of `bytes` is left when a character begun at its very end is taken away.
fn complete_length(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    }
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
    let mut chunk = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        kept.bytes += length as u64;
        if to.write_all(&chunk[..length]).await.is_err() || to.flush().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(limit: u64, chunks: &[&[u8]]) -> Output {
        let mut kept = Kept::new(limit);
        for chunk in chunks {
            kept.push(chunk);
        }
        kept.finish()
    }

    #[test]
    fn output_up_to_the_limit_is_kept_to_the_byte() {
        for limit in [6, 7, 100] {
            let output = printed(limit, &[b"ab", b"", b"cdef"]);
            assert_eq!(
                (output.text.as_str(), output.bytes, output.truncated),
                ("abcdef", 6, false),
                "{limit}"
            );
        }
    }

    #[test]
    fn head_and_tail_remain_of_more() {
        let output = printed(4, &[b"ab", b"cdefg", b"h"]);
        assert_eq!(output.text, "ab\n[… 4 bytes dropped …]\ngh");
        assert_eq!((output.bytes, output.truncated), (8, true));
        assert_eq!(printed(0, &[b"abc"]).text, "\n[… 3 bytes dropped …]\n");
    }

    #[test]
    fn a_character_cut_by_the_limit_does_not_turn_text_into_base64() {
        let text = "äöüäöü".as_bytes();
        for limit in 1..12 {
            assert_eq!(printed(limit, &[text]).encoding, "utf-8", "{limit}");
        }
        assert_eq!(printed(10, &[&[0xff, 0xfe]]).text, "//4=");
    }
}
