use std::time::Duration;

use reqwest::StatusCode;

use crate::Error;

/// What went wrong with one request, and whether another one may do better.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) error: Error,
    pub(super) again: Again,
    /// Where there was an answer.
    pub(super) status: Option<StatusCode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    No,
    Soon,
    /// As the registry asked for (RFC 9110 section 10.2.3).
    After(Duration),
}

impl Trouble {
    pub(super) fn passing(error: Error) -> Self {
        Self { error, again: Again::Soon, status: None }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self { error, again: Again::No, status: None }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        trouble.error
    }
}
