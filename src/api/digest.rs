//! SHA-256 in the forms that callers see: `sha256:` and hexadecimal in paths and bodies, base64 in headers.

use std::fmt::{self, Write};

use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// Hashing more than this takes longer than a worker should be away from other requests.
const INLINE_BYTES: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Also of many bytes.
    pub(crate) async fn of_all(bytes: Bytes) -> Result<Self, Problem> {
        if bytes.len() <= INLINE_BYTES {
            return Ok(Self::of(&bytes));
        }
        let hashed = tokio::task::spawn_blocking(move || Self::of(&bytes)).await;
        hashed.map_err(|error| Problem::internal(error.to_string()))
    }

    /// Only the form that [`fmt::Display`] prints is accepted, so one blob has one URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        from_hex(text.strip_prefix("sha256:")?).map(Self)
    }

    /// From the base64 of a header.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(text).ok()?.try_into().ok()?))
    }

    /// The value of `Repr-Digest` (RFC 9530 section 3), with the byte sequence of RFC 9651 section 3.3.5.
    pub(crate) fn repr(&self) -> String {
        format!("sha-256=:{}:", STANDARD.encode(self.0))
    }

    /// A strong entity tag: other bytes, other tag.
    pub(crate) fn tag(&self) -> String {
        format!("\"{self}\"")
    }

    pub(crate) fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

/// 64 digits in lower case.
pub fn hex(digest: &[u8; 32]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Only the form that [`hex`] makes.
pub(crate) fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok().filter(|_| rest.is_empty())?;
    let mut bytes = [0; 32];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
