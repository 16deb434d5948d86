//! Extended headers: `LENGTH KEY=VALUE\n` records (POSIX pax, "pax Extended Header").

use super::attributes::{self, Attributes};
use super::sparse::Described;
use super::{Failure, Time};
use crate::tool::failure::shown;

const MOST_ATTRIBUTE_NAME: usize = 255;

#[derive(Default)]
pub(super) struct Extended {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) mtime: Option<Time>,
    pub(super) attributes: Attributes,
    pub(super) sparse: Described,
}

impl Extended {
    pub(super) fn parse(mut text: &[u8]) -> Result<Self, Failure> {
        let mut extended = Self::default();
        while !text.is_empty() {
            let (key, value, rest) =
                record(text).ok_or_else(|| Failure::malformed("a broken extended header"))?;
            extended.set(key, value)?;
            text = rest;
        }
        let bytes: usize = extended.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > attributes::MOST_BYTES {
            return Err(Failure::malformed(format!("{bytes} bytes of extended attributes")));
        }
        Ok(extended)
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<(), Failure> {
        let broken = || Failure::malformed(format!("an extended header's {}", shown(key)));
        match key {
            // An empty value stands for none at all.
            b"path" => self.path = text(value).ok_or_else(broken)?,
            b"linkpath" => self.link = text(value).ok_or_else(broken)?,
            b"size" => self.size = Some(decimal(value).ok_or_else(broken)?),
            b"uid" => self.uid = Some(id(value).ok_or_else(broken)?),
            b"gid" => self.gid = Some(id(value).ok_or_else(broken)?),
            b"mtime" => self.mtime = Some(time(value).ok_or_else(broken)?),
            _ if key.starts_with(b"GNU.sparse.") => {
                self.sparse.set(&key[b"GNU.sparse.".len()..], value).ok_or_else(broken)?;
            }
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    if name.is_empty() || name.len() > MOST_ATTRIBUTE_NAME || name.contains(&0) {
                        return Err(broken());
                    }
                    self.attributes.push((name.to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }
}

fn record(text: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = text.iter().position(|byte| *byte == b' ')?;
    let length = usize::try_from(decimal(&text[..digits])?).ok()?;
    let (record, rest) = text.split_at_checked(length)?;
    let body = record.get(digits + 1..)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    (equals > 0).then(|| (&body[..equals], &body[equals + 1..], rest))
}

pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    // No sign, no space, no leading zeroes without end.
    let plain = !text.is_empty() && text.len() <= 20 && text.iter().all(u8::is_ascii_digit);
    plain.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

fn id(text: &[u8]) -> Option<u32> {
    decimal(text).and_then(|id| u32::try_from(id).ok())
}

#[expect(clippy::option_option, reason = "outside: whether it can be read; inside: whether there is one")]
pub(super) fn text(value: &[u8]) -> Option<Option<Vec<u8>>> {
    (!value.contains(&0)).then(|| (!value.is_empty()).then(|| value.to_vec()))
}

fn time(value: &[u8]) -> Option<Time> {
    let (negative, value) = value.strip_prefix(b"-").map_or((false, value), |value| (true, value));
    let (whole, fraction) = match value.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&value[..dot], &value[dot + 1..]),
        None => (value, &[][..]),
    };
    let seconds = i64::try_from(decimal(whole)?).ok()?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nanoseconds =
        (0..9).fold(0, |sum, at| sum * 10 + fraction.get(at).map_or(0, |digit| u32::from(digit - b'0')));
    Some(match (negative, nanoseconds) {
        (false, nanoseconds) => Time { seconds, nanoseconds },
        (true, 0) => Time { seconds: -seconds, nanoseconds: 0 },
        (true, nanoseconds) => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}
