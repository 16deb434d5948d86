mod access;
mod error;
mod json;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::Policy;
use crate::bindings::configuration::exports::stockade::policy::configuration;

/// A setting that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError {
    pointer: String,
    message: String,
}

impl SettingsError {
    /// `pointer` is a JSON pointer (RFC 6901) into the settings; empty for the whole of them.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }

    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_wire(self) -> configuration::SettingsError {
        configuration::SettingsError { pointer: self.pointer, message: self.message }
    }
}

/// Reads settings. The first error ends it, as serde cannot go on.
pub(crate) fn parse<P: Policy>(text: &str) -> Result<P, SettingsError> {
    let mut json = json::Json::new(text);
    let value = P::deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// What is wrong with settings; empty when nothing is.
pub(crate) fn check<P: Policy>(text: &str) -> Vec<SettingsError> {
    match parse::<P>(text) {
        Ok(policy) => policy.check(),
        Err(error) => vec![error],
    }
}
