//! The event stream format of the HTML standard, section 9.2.6, as far as our servers use it.

use std::fmt;

/// A line longer than this comes from no server of ours.
const LONGEST_LINE: usize = 256 << 20;

/// What stands between two empty lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) data: String,
}

/// Puts frames together from pieces that are cut anywhere.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    line: Vec<u8>,
    after_return: bool,
    frame: Frame,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum FrameError {
    Utf8,
    TooLong,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "an event is not UTF-8",
            Self::TooLong => "an event is endless",
        })
    }
}

impl Frames {
    /// The frames that `bytes` complete. One that was begun when the connection broke is not among them: it comes again.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
        let mut complete = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (head, tail) = (&rest[..end], &rest[end + 1..]);
            // A line may end with both.
            let second = std::mem::replace(&mut self.after_return, rest[end] == b'\r');
            if !(second && end == 0 && rest[end] == b'\n') {
                self.line.extend_from_slice(head);
                complete.extend(self.line_ended()?);
            }
            rest = tail;
        }
        if !rest.is_empty() {
            self.after_return = false;
            self.line.extend_from_slice(rest);
        }
        if self.line.len() > LONGEST_LINE { Err(FrameError::TooLong) } else { Ok(complete) }
    }

    fn line_ended(&mut self) -> Result<Option<Frame>, FrameError> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| FrameError::Utf8)?;
        if line.is_empty() {
            let mut frame = std::mem::take(&mut self.frame);
            // Each line of data has added one.
            return Ok(frame.data.pop().map(|_| frame));
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.frame.name = value.into(),
            "data" => self.frame.data = std::mem::take(&mut self.frame.data) + value + "\n",
            // A comment, or what the event says of itself.
            _ => (),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, FrameError, Frames};

    const STREAM: &str = ": hello\n\nid: 1\nevent: output\ndata: {\"a\":\ndata: 1}\n\ndata:x\r\n\r\nevent: none\n\n\
                          retry: 5\rdata: grün\r\rdata\n\ndata: lost";

    fn frames() -> Vec<Frame> {
        let frame = |name: &str, data: &str| Frame { name: name.into(), data: data.into() };
        vec![frame("output", "{\"a\":\n1}"), frame("", "x"), frame("", "grün"), frame("", "")]
    }

    #[test]
    fn frames_are_the_same_wherever_they_are_cut() {
        for cut in 0..STREAM.len() {
            let mut reader = Frames::default();
            let (first, second) = STREAM.as_bytes().split_at(cut);
            let mut read = reader.push(first).expect("a stream");
            read.extend(reader.push(second).expect("a stream"));
            assert_eq!(read, frames(), "cut at {cut}");
        }
        let mut reader = Frames::default();
        let single: Vec<_> =
            STREAM.bytes().flat_map(|byte| reader.push(&[byte]).expect("a stream")).collect();
        assert_eq!(single, frames());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(Frames::default().push(b"data: \xff\n"), Err(FrameError::Utf8));
    }
}
