//! The digest that an upload is said to have: `Content-Digest` and `Repr-Digest` (RFC 9530), each a dictionary of
//! algorithms and byte sequences (RFC 9651 section 3.2). Without a content coding both are of the same bytes.

use axum::http::HeaderMap;

use crate::digest::Digest;

const HEADERS: [&str; 2] = ["content-digest", "repr-digest"];

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("`{0}` is written `sha-256=:BASE64:`, with the 32 bytes of the digest")]
    Syntax(&'static str),
    #[error("`Content-Digest` and `Repr-Digest` differ, and here both are of the body as it is")]
    Differ,
}

/// `None` where no header has a digest that can be checked: other algorithms than `sha-256` are passed over, as the RFC
/// asks of who does not know them.
pub(super) fn claimed(headers: &HeaderMap) -> Result<Option<Digest>, ClaimError> {
    let mut claimed = None;
    for name in HEADERS {
        let Some(digest) = of(headers, name)? else { continue };
        if claimed.is_some_and(|known| known != digest) {
            return Err(ClaimError::Differ);
        }
        claimed = Some(digest);
    }
    Ok(claimed)
}

fn of(headers: &HeaderMap, name: &'static str) -> Result<Option<Digest>, ClaimError> {
    let mut found = None;
    for field in headers.get_all(name) {
        let field = field.to_str().map_err(|_| ClaimError::Syntax(name))?;
        for member in field.split(',') {
            let (key, value) = member.split_once('=').unwrap_or((member, ""));
            if key.trim().eq_ignore_ascii_case("sha-256") {
                // Of a name that is there twice the last counts, says RFC 9651.
                found = Some(sequence(value).ok_or(ClaimError::Syntax(name))?);
            }
        }
    }
    Ok(found)
}

fn sequence(value: &str) -> Option<Digest> {
    // Parameters, which the RFC defines none of.
    let value = value.split(';').next()?.trim();
    Digest::from_base64(value.strip_prefix(':')?.strip_suffix(':')?)
}

#[cfg(test)]
mod tests;
