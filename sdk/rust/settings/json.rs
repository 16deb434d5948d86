//! JSON for serde, and no more than settings need: it knows where it is when something is wrong, and is a third of the size
//! of a general reader, which counts where every call starts from a fresh copy of the program.

use alloc::borrow::Cow;
use alloc::format;

use serde::de::{self, Deserializer, Expected, Visitor};

use super::access::{Elements, Entries, Variant};
use crate::SettingsError;

type Result<T> = core::result::Result<T, SettingsError>;

/// Deeper than any settings, and far from the end of the stack.
const MAX_DEPTH: u8 = 32;

pub(super) struct Json<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Json<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The next byte that is not white space; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.broken()) }
    }

    pub(super) fn end(&mut self) -> Result<()> {
        self.peek();
        if self.at == self.text.len() { Ok(()) } else { Err(self.broken()) }
    }

    pub(super) fn broken(&self) -> SettingsError {
        SettingsError::here(format!("not JSON at byte {}", self.at))
    }

    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return Err(SettingsError::here("nested too deeply"));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn word(&mut self, word: &str) -> Result<()> {
        self.peek();
        if !self.text[self.at..].starts_with(word) {
            return Err(self.broken());
        }
        self.at += word.len();
        Ok(())
    }

    fn unexpected(&mut self, expected: &dyn Expected) -> SettingsError {
        let kind = match self.peek() {
            b'"' => "a string",
            b'{' => "an object",
            b'[' => "an array",
            b't' | b'f' => "a boolean",
            b'n' => "null",
            b'-' | b'0'..=b'9' => "a number",
            _ => return self.broken(),
        };
        SettingsError::here(format!("expected {expected}, found {kind}"))
    }

    pub(super) fn string(&mut self) -> Result<Cow<'de, str>> {
        self.expect(b'"')?;
        let mut whole = Cow::Borrowed("");
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.bytes().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)) else {
                return Err(self.broken());
            };
            if whole.is_empty() {
                whole = Cow::Borrowed(&rest[..length]);
            } else {
                whole.to_mut().push_str(&rest[..length]);
            }
            self.at += length + 1;
            match rest.as_bytes()[length] {
                b'"' => return Ok(whole),
                b'\\' => whole.to_mut().push(self.escape()?),
                _ => return Err(self.broken()),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let letter = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        match letter {
            Some(c @ (b'"' | b'\\' | b'/')) => Ok(char::from(c)),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(b'n') => Ok('\n'),
            Some(b'r') => Ok('\r'),
            Some(b't') => Ok('\t'),
            Some(b'u') => {
                let unit = self.four_digits()?;
                // The second half of a pair, without which the first is no character.
                let code = if (0xd800..0xdc00).contains(&unit) && self.text[self.at..].starts_with("\\u") {
                    self.at += 2;
                    let low = self.four_digits()?;
                    if !(0xdc00..0xe000).contains(&low) {
                        return Err(self.broken());
                    }
                    0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    unit
                };
                char::from_u32(code).ok_or_else(|| self.broken())
            }
            _ => Err(self.broken()),
        }
    }

    fn four_digits(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let value =
            digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or_else(|| self.broken())?;
        self.at += 4;
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let length = self.text[self.at..].bytes().take_while(u8::is_ascii_digit).count();
        self.at += length;
        length
    }

    /// The text of a number, and whether it is a whole one.
    fn number(&mut self) -> Result<(&'de str, bool)> {
        let bytes = self.text.as_bytes();
        let (start, mut whole) = (self.at, true);
        self.at += usize::from(bytes[self.at] == b'-');
        let leading_zero = bytes.get(self.at) == Some(&b'0');
        let length = self.digits();
        let mut good = length > 0 && !(leading_zero && length > 1);
        if bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            (whole, good) = (false, self.digits() > 0 && good);
        }
        if let Some(b'e' | b'E') = bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(bytes.get(self.at), Some(b'+' | b'-')));
            (whole, good) = (false, self.digits() > 0 && good);
        }
        if good { Ok((&self.text[start..self.at], whole)) } else { Err(self.broken()) }
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return Err(self.unexpected(&visitor));
        }
        let (text, whole) = self.number()?;
        if !whole {
            return Err(SettingsError::here(format!(
                "expected {visitor}, found {text}",
                visitor = &visitor as &dyn Expected
            )));
        }
        let too_large = |_| SettingsError::here(format!("{text} is too large"));
        if text.starts_with('-') {
            visitor.visit_i64(text.parse().map_err(too_large)?)
        } else {
            visitor.visit_u64(text.parse().map_err(too_large)?)
        }
    }

    fn float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            return Err(self.unexpected(&visitor));
        }
        let (text, _) = self.number()?;
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => visitor.visit_f64(value),
            _ => Err(SettingsError::here(format!("{text} is too large"))),
        }
    }

    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if self.peek() != b'"' {
            return Err(self.unexpected(&visitor));
        }
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn array<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if !self.take(b'[') {
            return Err(self.unexpected(&visitor));
        }
        let value = self.deeper(|json| visitor.visit_seq(Elements::new(json)))?;
        self.expect(b']')?;
        Ok(value)
    }

    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if !self.take(b'{') {
            return Err(self.unexpected(&visitor));
        }
        let value = self.deeper(|json| visitor.visit_map(Entries::new(json)))?;
        self.expect(b'}')?;
        Ok(value)
    }
}

macro_rules! read {
    ($($method:ident)* => $as:ident) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.$as(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Json<'de> {
    type Error = SettingsError;

    read!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 => integer);
    read!(deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 => integer);
    read!(deserialize_f32 deserialize_f64 => float);
    read!(deserialize_char deserialize_str deserialize_string deserialize_identifier => text);
    read!(deserialize_bytes deserialize_byte_buf deserialize_seq => array);
    read!(deserialize_map => object);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            b'"' => self.text(visitor),
            b'{' => self.object(visitor),
            b'[' => self.array(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            b'-' | b'0'..=b'9' => {
                let start = self.at;
                let (_, whole) = self.number()?;
                self.at = start;
                if whole { self.integer(visitor) } else { self.float(visitor) }
            }
            _ => Err(self.broken()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() == b'n' {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() != b'n' {
            return Err(self.unexpected(&visitor));
        }
        self.word("null")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.array(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.array(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.object(visitor)
    }

    /// `"unit"`, or an object of one entry.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.peek() {
            b'"' => visitor.visit_enum(de::value::CowStrDeserializer::new(self.string()?)),
            b'{' => {
                self.at += 1;
                let value = self.deeper(|json| visitor.visit_enum(Variant::new(json)))?;
                self.expect(b'}')?;
                Ok(value)
            }
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_any(visitor)
    }
}
