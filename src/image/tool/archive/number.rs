//! Numbers in headers: octal text, or GNU's big-endian form with the first bit set.

use tar::Header;

use super::{Failure, Time};

pub(super) fn unsigned(field: &[u8], what: &str) -> Result<u64, Failure> {
    let number = signed(field).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| Failure::malformed(format!("{what} that is no number: {}", field.escape_ascii())))
}

pub(super) fn small(field: &[u8], what: &str) -> Result<u32, Failure> {
    let number = unsigned(field, what)?;
    u32::try_from(number).map_err(|_| Failure::malformed(format!("{what} that is too large: {number}")))
}

pub(super) fn time(field: &[u8]) -> Result<Time, Failure> {
    let seconds = signed(field).ok_or_else(|| Failure::malformed("a time that is no number"))?;
    Ok(Time { seconds, nanoseconds: 0 })
}

fn signed(field: &[u8]) -> Option<i64> {
    match field.first()? {
        first if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Option<i64> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let digits = field[..end].trim_ascii();
    digits.iter().try_fold(0i64, |number, digit| match digit {
        b'0'..=b'7' => number.checked_mul(8)?.checked_add(i64::from(digit - b'0')),
        _ => None,
    })
}

/// Two's complement over the whole field, save its first bit.
fn binary(field: &[u8]) -> Option<i64> {
    let first = field[0] & 0x7f;
    let negative = first & 0x40 != 0;
    let start = i64::from(first) - if negative { 0x80 } else { 0 };
    field[1..].iter().try_fold(start, |number, byte| number.checked_mul(256)?.checked_add(i64::from(*byte)))
}

/// The sum of all bytes, the sum's own field counted as spaces; some old tars added signed ones.
pub(super) fn check_sum(header: &Header) -> Result<(), Failure> {
    let wanted = unsigned(&header.as_old().cksum, "a checksum")?;
    let spaces = 148..156;
    let bytes = header
        .as_bytes()
        .iter()
        .enumerate()
        .map(|(at, byte)| if spaces.contains(&at) { b' ' } else { *byte });
    let plain: u64 = bytes.clone().map(u64::from).sum();
    let with_sign: i64 = bytes.map(|byte| i64::from(byte.cast_signed())).sum();
    if wanted == plain || i64::try_from(wanted) == Ok(with_sign) {
        return Ok(());
    }
    Err(Failure::malformed("a header whose checksum is wrong: no tar archive, or a damaged one"))
}
