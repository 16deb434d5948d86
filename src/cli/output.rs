//! The only place that writes: data to stdout, everything else to stderr. Colour is dropped where `NO_COLOR` says so
//! or nobody looks.

use std::error::Error;
use std::fmt::{Display, Write as _};
use std::io::{self, Write};

use clap::builder::styling::{AnsiColor, Style};
use model::Stream;
use serde::Serialize;

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

/// Why a verb could not do its work, in one line, and what mends it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// `what` went wrong because of `error` and its causes.
    pub(crate) fn caused(what: &str, error: &dyn Error) -> Self {
        Self::new(format!("{what}: {}", chain(error)))
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// An error and its causes in one line, without saying twice what a message has from its cause already.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        let cause = error.to_string();
        if !text.contains(&cause) {
            // Writing to a string cannot fail.
            write!(text, ": {cause}").ok();
        }
        next = error.source();
    }
    text
}

pub(crate) fn failure(failure: &Failure) {
    let mut text = format!("{RED}error{RED:#}: {}\n", failure.message);
    if let Some(hint) = &failure.hint {
        // Writing to a string cannot fail.
        write!(text, "\n{CYAN}hint{CYAN:#}: {hint}\n").ok();
    }
    message(&text);
}

/// One line about a job, on stderr, marked as ours: the rest of stderr is the job's.
pub(crate) fn note(text: impl Display) {
    message(&format!("stockade: {text}\n"));
}

fn message(text: &str) {
    // There is no other place to complain to.
    anstream::stderr().write_all(text.as_bytes()).ok();
}

pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::caused("cannot write JSON", &error))?;
    data(&(text + "\n"))
}

/// A reader that has seen enough (`stockade … | head`) is no error.
pub(crate) fn data(text: &str) -> Result<(), Failure> {
    let mut stdout = anstream::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::caused("cannot write to stdout", &error))
        }
        _ => Ok(()),
    }
}

/// What a job printed, byte for byte. False when nobody reads it any more.
pub(crate) fn relay(stream: Stream, bytes: &[u8]) -> Result<bool, Failure> {
    let (name, written) = match stream {
        Stream::Stdout => ("stdout", write(&mut io::stdout().lock(), bytes)),
        Stream::Stderr => ("stderr", write(&mut io::stderr().lock(), bytes)),
    };
    match written {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::caused(&format!("cannot write to {name}"), &error)),
    }
}

fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::chain;

    #[derive(Debug)]
    struct Outer(&'static str, std::io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.1)
        }
    }

    #[test]
    fn a_cause_is_said_once() {
        assert_eq!(chain(&Outer("cannot read", std::io::Error::other("gone"))), "cannot read: gone");
        assert_eq!(chain(&Outer("cannot read: gone", std::io::Error::other("gone"))), "cannot read: gone");
    }
}
