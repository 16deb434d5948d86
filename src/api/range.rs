//! Which part of a representation is asked for: all of it, or one range of its bytes (RFC 9110 section 14).
//!
//! Several ranges at once are answered with the whole, as section 14.2 allows.

use std::ops::Range;

use axum::http::{HeaderMap, Method, header};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Bytes(Range<u64>),
    /// It has none of the bytes that are asked for.
    Unsatisfiable,
}

/// `tag` is the strong entity tag of the representation, in its quotes.
pub(crate) fn wanted(method: &Method, headers: &HeaderMap, tag: &str, bytes: u64) -> Part {
    // Section 14.2: GET alone has ranges, so HEAD tells of the whole.
    if method != Method::GET || !unchanged(headers, tag) {
        return Part::Whole;
    }
    let mut fields = headers.get_all(header::RANGE).iter();
    match (fields.next().map(|field| field.to_str()), fields.next()) {
        (Some(Ok(field)), None) => parse(field, bytes).unwrap_or(Part::Whole),
        _ => Part::Whole,
    }
}

/// Section 13.1.5. Dates never match, because no representation here has one; neither do weak tags.
fn unchanged(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes())
}

/// `None` where it is no single range: then the field is ignored, as section 14.2 wants.
fn parse(field: &str, bytes: u64) -> Option<Part> {
    let (unit, set) = field.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    let range = match (first.trim_end(), last.trim_start()) {
        ("", last) => bytes.saturating_sub(number(last)?)..bytes,
        (first, "") => number(first)?..bytes,
        (first, last) if number(first)? <= number(last)? => {
            number(first)?..number(last)?.saturating_add(1).min(bytes)
        }
        _ => return None,
    };
    Some(if range.is_empty() { Part::Unsatisfiable } else { Part::Bytes(range) })
}

/// One too large for a `u64` is beyond every end all the same.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
