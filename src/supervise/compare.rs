//! What was printed held against what was expected. Pure, in one pass, without a copy: a stream may have any number of
//! lines and words.

use std::fmt;

use model::Compare;

/// Where they part for the first time, in what was printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    offset: usize,
    /// From 1.
    line: usize,
    expected: Excerpt,
    got: Excerpt,
}

/// At most [`EXCERPT`] bytes; `None` at the end of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt(Option<String>);

const EXCERPT: usize = 64;

pub(crate) fn compare(how: Compare, epsilon: f64, expected: &[u8], got: &[u8]) -> Result<(), Difference> {
    match how {
        Compare::Exact => exact(expected, got),
        Compare::Trim => trimmed(expected, got),
        Compare::Tokens => words(expected, got, |expected, got| expected == got),
        Compare::Float => words(expected, got, |expected, got| near(expected, got, epsilon)),
    }
}

impl Difference {
    /// `in_expected` and `in_got` are where the two part.
    fn new(expected: &[u8], in_expected: usize, got: &[u8], in_got: usize) -> Self {
        let line = got[..in_got].split(|byte| *byte == b'\n').count();
        let (expected, got) = (Excerpt::of(&expected[in_expected..]), Excerpt::of(&got[in_got..]));
        Self { offset: in_got, line, expected, got }
    }
}

impl Excerpt {
    fn of(rest: &[u8]) -> Self {
        let line = rest.iter().position(|byte| *byte == b'\n').map_or(rest, |end| &rest[..=end]);
        let text = line[..line.len().min(EXCERPT)].escape_ascii().to_string();
        Self((!rest.is_empty()).then_some(text))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(text) => write!(f, "`{text}`"),
            None => f.write_str("the end"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, line, expected, got } = self;
        write!(f, "byte {offset}, line {line}: expected {expected}, got {got}")
    }
}

/// How many bytes are the same from the start.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

fn exact(expected: &[u8], got: &[u8]) -> Result<(), Difference> {
    if expected == got {
        return Ok(());
    }
    let same = common(expected, got);
    Err(Difference::new(expected, same, got, same))
}

/// As C's isspace: what `trim` takes away and what stands between words.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn trim_end(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1)]
}

fn trimmed(expected: &[u8], got: &[u8]) -> Result<(), Difference> {
    // Empty lines at the end are gone with the white space at the end of the last other one.
    let (expected, got) = (trim_end(expected), trim_end(got));
    let (mut in_expected, mut in_got) = (0, 0);
    loop {
        let (wanted, next_wanted) = line(expected, in_expected);
        let (printed, next_printed) = line(got, in_got);
        let same = common(wanted, printed);
        if same < wanted.len().max(printed.len()) {
            return Err(Difference::new(expected, in_expected + same, got, in_got + same));
        }
        let (next_wanted, next_printed) = match (next_wanted, next_printed) {
            (None, None) => return Ok(()),
            // The lines are the same, and one stream has more of them.
            (Some(wanted), None) => return Err(Difference::new(expected, wanted, got, got.len())),
            (None, Some(printed)) => return Err(Difference::new(expected, expected.len(), got, printed)),
            (Some(wanted), Some(printed)) => (wanted, printed),
        };
        (in_expected, in_got) = (next_wanted, next_printed);
    }
}

/// The line from `start` on without the white space at its end, and where the next one starts.
fn line(bytes: &[u8], start: usize) -> (&[u8], Option<usize>) {
    match bytes[start..].iter().position(|byte| *byte == b'\n') {
        Some(end) => (trim_end(&bytes[start..start + end]), Some(start + end + 1)),
        None => (trim_end(&bytes[start..]), None),
    }
}

fn words(expected: &[u8], got: &[u8], same: impl Fn(&[u8], &[u8]) -> bool) -> Result<(), Difference> {
    let (mut in_expected, mut in_got) = (0, 0);
    loop {
        let (wanted, printed) = (word(expected, in_expected), word(got, in_got));
        match (wanted, printed) {
            (None, None) => return Ok(()),
            (Some((from, to)), Some((start, end))) if same(&expected[from..to], &got[start..end]) => {
                (in_expected, in_got) = (to, end);
            }
            _ => {
                let (from, start) = (
                    wanted.map_or(expected.len(), |(from, _)| from),
                    printed.map_or(got.len(), |(start, _)| start),
                );
                return Err(Difference::new(expected, from, got, start));
            }
        }
    }
}

/// Where the next word from `start` on begins and ends.
fn word(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let begin = start + bytes[start..].iter().position(|byte| !is_space(*byte))?;
    let length = bytes[begin..].iter().position(|byte| is_space(*byte));
    Some((begin, length.map_or(bytes.len(), |length| begin + length)))
}

fn near(expected: &[u8], got: &[u8], epsilon: f64) -> bool {
    if expected == got {
        return true;
    }
    let (Some(wanted), Some(printed)) = (number(expected), number(got)) else { return false };
    if wanted.is_nan() || wanted.is_infinite() {
        return (wanted.is_nan() && printed.is_nan()) || wanted.total_cmp(&printed).is_eq();
    }
    // An infinite or undefined difference is never small.
    let difference = (wanted - printed).abs();
    difference <= epsilon || difference <= epsilon * wanted.abs()
}

/// As IEEE 754 doubles. A number too large to be one is none: it is not the same as another such.
fn number(word: &[u8]) -> Option<f64> {
    let text = str::from_utf8(word).ok()?;
    let number: f64 = text.parse().ok()?;
    let overflown = number.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit());
    (!overflown).then_some(number)
}

#[cfg(test)]
mod tests;
