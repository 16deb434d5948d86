//! Why a piece of work ended without its result.

use std::io;

use nix::errno::Errno;

use super::Refusal;

#[derive(Debug)]
pub(crate) enum Failure {
    Refused {
        code: Refusal,
        detail: String,
    },
    /// Nobody waits for the result any more.
    Gone,
}

impl Failure {
    pub(crate) fn refused(code: Refusal, detail: impl Into<String>) -> Self {
        Self::Refused { code, detail: detail.into() }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::refused(Refusal::Malformed, detail)
    }

    pub(crate) fn is(&self, wanted: Refusal) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == wanted)
    }

    /// Says which entry it was about.
    pub(crate) fn at(self, path: &[u8]) -> Self {
        match self {
            Self::Refused { code, detail } => {
                Self::Refused { code, detail: format!("{}: {detail}", shown(path)) }
            }
            Self::Gone => Self::Gone,
        }
    }
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Self {
        let code = match errno {
            Errno::ENAMETOOLONG => Refusal::PathTooLong,
            Errno::ENOSPC | Errno::EDQUOT => Refusal::Full,
            _ => Refusal::Host,
        };
        Self::refused(code, errno.desc())
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(errno: rustix::io::Errno) -> Self {
        Errno::from_raw(errno.raw_os_error()).into()
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Errno::from_raw(errno).into(),
            None => Self::refused(Refusal::Host, error.to_string()),
        }
    }
}

/// A name that an archive gave, for people: no control characters, not endless.
pub(crate) fn shown(path: &[u8]) -> String {
    const MOST: usize = 200;
    let text = path[..path.len().min(MOST)].escape_ascii().to_string();
    if path.len() > MOST { format!("`{text}…`") } else { format!("`{text}`") }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the kernel's own device")]
mod tests {
    use std::fs::File;
    use std::io::Write as _;

    use super::{Failure, Refusal};

    #[test]
    fn a_disk_without_room_is_told_as_that() {
        // full(4)
        let mut full = File::options().write(true).open("/dev/full").expect("every Linux has it");
        let error = full.write_all(b"x").expect_err("no room");
        assert!(Failure::from(error).is(Refusal::Full));
    }
}
