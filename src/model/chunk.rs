//! Pieces of what was printed, as text where they are text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::{Chunk, Stream};

const TEXT: &str = "utf-8";
const BINARY: &str = "base64";

impl Chunk {
    pub fn new(step: &str, stream: Stream, offset: u64, bytes: Vec<u8>) -> Self {
        let (text, encoding) = written(bytes);
        Self { step: step.into(), stream, offset, text, encoding }
    }

    pub fn bytes(&self) -> Vec<u8> {
        if self.encoding == BINARY {
            // Only what we wrote ourselves is read back.
            return STANDARD.decode(&self.text).unwrap_or_default();
        }
        self.text.clone().into_bytes()
    }

    /// Takes in what was printed right after it. `false`, and nothing changed, where `next` is something else.
    pub fn append(&mut self, next: &Self) -> bool {
        let follows = self.offset + self.length() == next.offset;
        if !follows || self.stream != next.stream || self.step != next.step {
            return false;
        }
        if self.encoding == TEXT && next.encoding == TEXT {
            self.text += &next.text;
            return true;
        }
        if self.encoding == TEXT {
            (self.text, self.encoding) = (STANDARD.encode(&self.text), BINARY.into());
        }
        // Only the last group may stand for fewer than three bytes, and what comes before it stays as it is.
        let whole = self.text.len().saturating_sub(if self.text.ends_with('=') { 4 } else { 0 });
        let mut rest = STANDARD.decode(&self.text[whole..]).unwrap_or_default();
        rest.append(&mut next.bytes());
        self.text.truncate(whole);
        STANDARD.encode_string(rest, &mut self.text);
        true
    }

    /// In bytes printed.
    fn length(&self) -> u64 {
        let length = self.text.len() as u64;
        if self.encoding == TEXT {
            return length;
        }
        length / 4 * 3 - self.text.bytes().rev().take_while(|byte| *byte == b'=').count() as u64
    }
}

pub(crate) fn written(bytes: Vec<u8>) -> (String, String) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, TEXT.into()),
        Err(error) => (STANDARD.encode(error.as_bytes()), BINARY.into()),
    }
}

#[cfg(test)]
mod tests;
