use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::bindings::stockade::policy::types;
use crate::{Pair, PatchError};

/// What a deciding hook answers: `Ok(Notes::default())` allows, a [`Denial`] does not.
pub type Verdict = Result<Notes, Denial>;

/// What goes into the record beside a yes.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    warnings: Vec<String>,
    annotations: Vec<Pair>,
}

impl Notes {
    pub fn new() -> Self {
        Self::default()
    }

    /// Told to whoever sent the job; the first 16, each cut at 256 bytes.
    #[must_use]
    pub fn warning(mut self, text: impl Into<String>) -> Self {
        self.warnings.push(text.into());
        self
    }

    /// Kept with the decision; the first 32, each cut at 1024 bytes.
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.push(Pair { key: key.into(), value: value.into() });
        self
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub fn annotations(&self) -> &[Pair] {
        &self.annotations
    }

    pub(crate) fn into_wire(self) -> types::Notes {
        types::Notes { warnings: self.warnings, annotations: self.annotations }
    }
}

/// A no.
#[derive(Clone, Debug)]
// In a box, because every hook's answer has room for one.
pub struct Denial(Box<Reason>);

#[derive(Clone, Debug)]
struct Reason {
    code: String,
    message: String,
    field: Option<String>,
    retryable: bool,
    notes: Notes,
}

impl Denial {
    /// `code` is a stable word for programs, `[a-z0-9-]{1,64}`; `message` one sentence for whoever sent the job, at most
    /// 1024 bytes.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Self(Box::new(Reason { code, message, field: None, retryable: false, notes: Notes::default() }))
    }

    /// JSON pointer (RFC 6901) into the job document, such as `/steps/0/limits/memory_bytes`; at most 256 bytes.
    #[must_use]
    pub fn field(mut self, pointer: impl Into<String>) -> Self {
        self.0.field = Some(pointer.into());
        self
    }

    /// The same job may be admitted later: 503 with `Retry-After` instead of 403.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.0.retryable = true;
        self
    }

    /// As [`Notes::warning`].
    #[must_use]
    pub fn warning(mut self, text: impl Into<String>) -> Self {
        self.0.notes.warnings.push(text.into());
        self
    }

    /// As [`Notes::annotation`].
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.notes.annotations.push(Pair { key: key.into(), value: value.into() });
        self
    }

    /// Replaces the notes so far, for a denial that ends a longer check.
    #[must_use]
    pub fn notes(mut self, notes: Notes) -> Self {
        self.0.notes = notes;
        self
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn pointer(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    pub fn warnings(&self) -> &[String] {
        self.0.notes.warnings()
    }

    pub fn annotations(&self) -> &[Pair] {
        self.0.notes.annotations()
    }

    pub(crate) fn into_wire(self) -> types::Denial {
        let Reason { code, message, field, retryable, notes } = *self.0;
        types::Denial {
            reason: types::Rejection { code, message, field, retryable },
            notes: notes.into_wire(),
        }
    }
}

/// So that `patch::…?` ends a hook with a denial that says what could not be changed.
impl From<PatchError> for Denial {
    fn from(error: PatchError) -> Self {
        let denial = Self::new(error.code(), error.message());
        if error.pointer().is_empty() { denial } else { denial.field(error.pointer()) }
    }
}

/// What a lifecycle hook adds to the job's record.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    labels: Vec<Pair>,
    annotations: Vec<Pair>,
}

impl Additions {
    pub fn new() -> Self {
        Self::default()
    }

    /// A label that the job has already is left as it is. The first 16, by the rules for a job's own labels.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push(Pair { key: key.into(), value: value.into() });
        self
    }

    /// The first 32, each cut at 1024 bytes; a later one of the same key replaces the earlier.
    #[must_use]
    pub fn annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.push(Pair { key: key.into(), value: value.into() });
        self
    }

    pub fn labels(&self) -> &[Pair] {
        &self.labels
    }

    pub fn annotations(&self) -> &[Pair] {
        &self.annotations
    }

    pub(crate) fn into_wire(self) -> types::Additions {
        types::Additions { labels: self.labels, annotations: self.annotations }
    }
}
