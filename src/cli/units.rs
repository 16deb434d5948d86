//! Sizes and durations as people type and read them. Exact: no floating point.

use jiff::Timestamp;

/// Docker's sizes: `256m`, `1.5g`, `64k`, `100b`, or plain bytes; units are powers of 1024.
pub(crate) fn size_bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let (number, unit) = split(&lower);
    let unit = match unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(unit) {
        "" if unit != "ib" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return Err("a size is a number with one of the units b, k, m, g, such as `256m`".into()),
    };
    scaled(number, unit).ok_or_else(|| "not a size such as `256m`".into())
}

/// `500ms`, `10s`, `1.5m`, `1h`, in milliseconds. The unit is needed: tools disagree about what `10` means.
pub(crate) fn duration_ms(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let unit = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("a duration is a number with one of the units ms, s, m, h, such as `10s`".into()),
    };
    scaled(number, unit).ok_or_else(|| "not a duration such as `10s`".into())
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

/// `number` times `unit`, rounded down.
fn scaled(number: &str, unit: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit);
    let part = part / 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(u64::try_from(part).ok()?)
}

/// How long ago that was, in its largest unit.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    // Clocks differ from machine to machine.
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `417 us`, `1.5 ms`, `2.0 s`.
pub(crate) fn time_us(us: u64) -> String {
    match us {
        ..1000 => format!("{us} us"),
        1000..1_000_000 => tenths(us, 1000, "ms"),
        _ => tenths(us, 1_000_000, "s"),
    }
}

/// `512 B`, `1.5 KiB`, `256.0 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..0x10_0000 => tenths(bytes, 1 << 10, "KiB"),
        0x10_0000..0x4000_0000 => tenths(bytes, 1 << 20, "MiB"),
        _ => tenths(bytes, 1 << 30, "GiB"),
    }
}

/// Rounded down.
fn tenths(count: u64, unit: u64, name: &str) -> String {
    format!("{}.{} {name}", count / unit, count % unit * 10 / unit)
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, age, bytes, duration_ms, size_bytes, time_us};

    #[test]
    fn figures_are_shown_in_their_unit() {
        let shown = [0, 999, 1500, 999_999, 2_050_000].map(time_us);
        assert_eq!(shown, ["0 us", "999 us", "1.5 ms", "999.9 ms", "2.0 s"]);
        let shown = [0, 1023, 1536, 256 << 20, 5 << 30, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.5 KiB", "256.0 MiB", "5.0 GiB", "17179869183.9 GiB"]);
        let then = Timestamp::UNIX_EPOCH;
        let ages = [-5, 59, 3599, 86_399, 900_000].map(|s| age(then, Timestamp::constant(s, 0)));
        assert_eq!(ages, ["0s", "59s", "59m", "23h", "10d"]);
    }

    #[test]
    fn sizes_are_dockers() {
        let good = [
            ("0", 0),
            ("100b", 100),
            ("64k", 65536),
            ("256m", 256 << 20),
            ("256MB", 256 << 20),
            ("1g", 1 << 30),
        ];
        for (text, bytes) in
            good.into_iter().chain([("1.5GiB", 3 << 29), ("0.5k", 512), ("18446744073709551615", u64::MAX)])
        {
            assert_eq!(size_bytes(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "m",
            "-1m",
            "1x",
            "1mm",
            "1.2.3k",
            "1.k",
            ".5k",
            "1ib",
            "16777216t",
            "1 m",
            "18446744073709551616",
        ] {
            assert!(size_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_need_a_unit() {
        for (text, ms) in
            [("500ms", 500), ("10s", 10_000), ("1.5s", 1500), ("2m", 120_000), ("1h", 3_600_000), ("0s", 0)]
        {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["10", "", "s", "-1s", "1d", "1S", "1e3s", "9999999999999999h"] {
            assert!(duration_ms(text).is_err(), "{text}");
        }
    }
}
