//! Bytes that came from a job or a caller, on their way out.
//!
//! They are nobody's page: a browser must neither guess a type for them nor show them as one of ours.

use std::fmt::Write;
use std::ops::Range;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::digest::Digest;
use crate::etag::known;
use crate::problem::{Code, Problem};
use crate::range::{Part, wanted};

const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// What a cache may do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caching {
    /// Its address names its bytes, so it never changes (RFC 8246).
    Immutable,
    /// To be asked again each time, by its entity tag.
    Revalidate,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Download<'a> {
    /// What a browser saves it as.
    pub(crate) name: &'a str,
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
    pub(crate) caching: Caching,
}

impl Download<'_> {
    /// 200, 206, 304 or 416. `contents` is called for the bytes that are sent.
    pub(crate) fn answer(
        &self,
        method: &Method,
        request: &HeaderMap,
        contents: impl FnOnce(Range<u64>) -> Body,
    ) -> Response {
        let tag = self.digest.tag();
        let lasting =
            [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, self.caching.control().to_owned())];
        if known(&tag, request) {
            return (StatusCode::NOT_MODIFIED, lasting).into_response();
        }
        let (status, range) = match wanted(method, request, &tag, self.bytes) {
            Part::Whole => (StatusCode::OK, 0..self.bytes),
            Part::Bytes(range) => (StatusCode::PARTIAL_CONTENT, range),
            Part::Unsatisfiable => return self.unsatisfiable(),
        };
        let part = (status == StatusCode::PARTIAL_CONTENT).then(|| {
            [(header::CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, self.bytes))]
        });
        let about = [
            (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{}", escaped(self.name))),
            (header::ACCEPT_RANGES, "bytes".to_owned()),
            (REPR_DIGEST, self.digest.repr()),
        ];
        let answer = (status, lasting, about, contents(range));
        match part {
            Some(part) => (part, answer.into_response()).into_response(),
            None => answer.into_response(),
        }
    }

    /// The same, of what is in memory.
    pub(crate) fn answer_from(&self, method: &Method, request: &HeaderMap, all: &Bytes) -> Response {
        self.answer(method, request, |range| {
            // No range goes beyond the length, which is a `usize`.
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap_or(all.len()));
            Body::from(all.slice(start..end))
        })
    }

    fn unsatisfiable(&self) -> Response {
        let detail = format!("there are {} bytes, none of them in the range asked for", self.bytes);
        let range = [(header::CONTENT_RANGE, format!("bytes */{}", self.bytes))];
        (range, Problem::new(Code::RangeNotSatisfiable, detail)).into_response()
    }
}

impl Caching {
    fn control(self) -> &'static str {
        match self {
            Self::Immutable => "private, max-age=31536000, immutable",
            Self::Revalidate => "private, no-cache",
        }
    }
}

/// In the form of RFC 8187 section 3.2.1.
fn escaped(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests;
