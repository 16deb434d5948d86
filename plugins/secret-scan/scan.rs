//! One pass over the bytes.

use stockade_policy::files;
use stockade_policy::prelude::*;

use crate::rules::{Rule, SHAPES, Shape};

const PEM: &str = "-----BEGIN ";
const PEM_KEY: &[u8] = b"PRIVATE KEY";
/// Of what stands before `PRIVATE KEY`: `OPENSSH `, `RSA `, `ENCRYPTED `, …
const PEM_WORDS: usize = 24;
/// Longer than any beginning that tells a secret, so that one across two pieces is whole in one of them.
const OVERLAP: usize = 128;
const PIECE: u32 = 256 << 10;

pub(crate) struct Found {
    pub(crate) rule: Rule,
    /// Counted from 1.
    pub(crate) line: u64,
}

pub(crate) struct Scanner {
    skipped: Vec<Rule>,
    /// Of all that is looked for: what holds none of these holds no secret.
    pub(crate) beginnings: Vec<&'static str>,
    /// By first byte: whether one of them begins with it.
    begins: [bool; 256],
}

impl Scanner {
    pub(crate) fn new(skipped: &[Rule]) -> Self {
        let shapes = SHAPES.iter().filter(|shape| !skipped.contains(&shape.rule));
        let key = (!skipped.contains(&Rule::PrivateKey)).then_some(PEM);
        let beginnings: Vec<_> = shapes.map(|shape| shape.prefix).chain(key).collect();
        let mut begins = [false; 256];
        for text in &beginnings {
            begins[usize::from(text.as_bytes()[0])] = true;
        }
        Self { skipped: skipped.to_vec(), beginnings, begins }
    }

    pub(crate) fn first(&self, text: &[u8]) -> Option<Found> {
        let (at, rule) = self.find(text, 0)?;
        Some(Found { rule, line: 1 + lines(&text[..at]) })
    }

    /// In pieces, so that a large file needs little memory.
    pub(crate) fn first_in_file(&self, path: &str) -> Option<Found> {
        let (mut text, mut offset, mut line) = (Vec::new(), 0, 1);
        loop {
            let piece = files::read(path, offset, PIECE).unwrap_or_default();
            if piece.is_empty() {
                return None;
            }
            offset += piece.len() as u64;
            // One byte more than is searched anew: it tells whether a token begins there.
            let kept = text.len().min(OVERLAP + 1);
            let gone = text.len() - kept;
            line += lines(&text[..gone]);
            text.drain(..gone);
            text.extend_from_slice(&piece);
            if let Some((at, rule)) = self.find(&text, kept.min(1)) {
                return Some(Found { rule, line: line + lines(&text[..at]) });
            }
        }
    }

    fn find(&self, text: &[u8], from: usize) -> Option<(usize, Rule)> {
        let candidates =
            text.iter().enumerate().skip(from).filter(|(_, byte)| self.begins[usize::from(**byte)]);
        for (at, _) in candidates {
            let rest = &text[at..];
            if is_private_key(rest) && !self.skipped.contains(&Rule::PrivateKey) {
                return Some((at, Rule::PrivateKey));
            }
            let inside_a_word = at > 0 && (text[at - 1].is_ascii_alphanumeric() || text[at - 1] == b'_');
            if inside_a_word {
                continue;
            }
            let shape =
                SHAPES.iter().find(|shape| is_token(rest, shape) && !self.skipped.contains(&shape.rule));
            if let Some(shape) = shape {
                return Some((at, shape.rule));
            }
        }
        None
    }
}

fn is_private_key(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(PEM.as_bytes()) else { return false };
    let words =
        rest.iter().take(PEM_WORDS).take_while(|byte| byte.is_ascii_uppercase() || **byte == b' ').count();
    rest.get(..words + PEM_KEY.len())
        .is_some_and(|head| head.windows(PEM_KEY.len()).any(|part| part == PEM_KEY))
        || rest[..words].windows(PEM_KEY.len()).any(|part| part == PEM_KEY)
}

fn is_token(text: &[u8], shape: &Shape) -> bool {
    let Some(rest) = text.strip_prefix(shape.prefix.as_bytes()) else { return false };
    rest.len() >= shape.length && rest[..shape.length].iter().all(|byte| shape.alphabet.holds(*byte))
}

#[expect(clippy::naive_bytecount, reason = "once for a secret that was found")]
fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}
