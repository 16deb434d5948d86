use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::{SettingsError, fmt::push_escaped};

impl SettingsError {
    /// The same error, seen from one level up.
    pub(super) fn below(self, part: &str) -> Self {
        let mut pointer = String::from("/");
        push_escaped(&mut pointer, part);
        pointer.push_str(&self.pointer);
        Self { pointer, ..self }
    }

    pub(super) fn here(message: impl Into<String>) -> Self {
        Self::new("", message)
    }
}

impl Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pointer.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

impl core::error::Error for SettingsError {}

impl de::Error for SettingsError {
    fn custom<T: Display>(message: T) -> Self {
        Self::here(message.to_string())
    }

    // serde's own wording prints the value by `Debug`, whose tables are a third of a small component.
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::here(format!("expected {expected}, found {}", kind(&found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unsigned(value) => Self::here(format!("expected {expected}, found {value}")),
            Unexpected::Signed(value) => Self::here(format!("expected {expected}, found {value}")),
            Unexpected::Str(value) => Self::here(format!("expected {expected}, found `{value}`")),
            found => Self::invalid_type(found, expected),
        }
    }
}

fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "an array",
        Unexpected::Map => "an object",
        _ => "something else",
    }
}
