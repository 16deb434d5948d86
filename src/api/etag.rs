//! Validators (RFC 9110 §8.8.3) and what a caller has already (§13.1.2).

use axum::http::{HeaderMap, header};

use crate::digest::Digest;

/// Strong: of these bytes alone.
pub(crate) fn of(body: &[u8]) -> String {
    Digest::of(body).tag()
}

pub(crate) fn known(tag: &str, request: &HeaderMap) -> bool {
    let lists = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    tags.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}
