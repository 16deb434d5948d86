//! From serde's error to the JSON pointer of the very field.

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use super::strict::Strict;
use crate::{FieldError, pointer};

/// The slow way to a `T`, or to what is wrong with the text.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, FieldError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    serde_path_to_error::deserialize(Strict(&mut json)).map_err(field_error)
}

fn field_error(error: serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let mut parts = parts(error.path());
    let detail = error.into_inner().to_string();
    let (code, field) = reading(&detail);
    // serde names a field that is unknown, missing or given twice only in its message; the path may end before it.
    if let Some(field) = field
        && parts.last().is_none_or(|last| last != field)
    {
        parts.push(field.to_owned());
    }
    FieldError { pointer: pointer(parts), code, detail }
}

fn parts(path: &Path) -> Vec<String> {
    let named = |segment: &Segment| match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().filter_map(named).collect()
}

/// serde has its errors only as text, in fixed forms (`serde::de::Error`).
fn reading(message: &str) -> (&'static str, Option<&str>) {
    let forms =
        [("unknown field `", "unknown"), ("missing field `", "required"), ("duplicate field `", "duplicate")];
    for (start, code) in forms {
        let Some(rest) = message.strip_prefix(start) else { continue };
        // A name can have anything in it, so an unknown one ends where serde's own words begin for the last time.
        let end =
            rest.rfind("`, expected ").or_else(|| rest.rfind("`, there are")).or_else(|| rest.find('`'));
        return (code, end.map(|end| &rest[..end]));
    }
    ("invalid", None)
}
