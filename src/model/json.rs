//! Reads JSON that a caller has written, and says which field is wrong.

mod locate;
mod strict;
mod well_formed;

use serde::de::DeserializeOwned;

use crate::FieldError;
use strict::Strict;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{0}")]
    Malformed(serde_json::Error),
    #[error("{}: {}", .0.pointer, .0.detail)]
    Field(FieldError),
}

/// What has no error, nearly all, pays for nothing but the parse; the rest is gone through again.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, ReadError> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let parsed = T::deserialize(Strict(&mut json)).and_then(|value| json.end().map(|()| value));
    parsed.or_else(|_| {
        // In this order: what is not JSON says so even where a field is wrong first.
        well_formed::check(text).map_err(ReadError::Malformed)?;
        locate::parse(text).map_err(ReadError::Field)
    })
}

#[cfg(test)]
mod tests;
