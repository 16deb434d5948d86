use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::{Part, wanted};

const TAG: &str = "\"sha256:00\"";

fn of(method: &Method, fields: &[(HeaderName, &'static str)], bytes: u64) -> Part {
    let fields = fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
    let mut headers = HeaderMap::new();
    fields.for_each(|(name, value)| {
        headers.append(name, value);
    });
    wanted(method, &headers, TAG, bytes)
}

fn get(range: &'static str, bytes: u64) -> Part {
    of(&Method::GET, &[(header::RANGE, range)], bytes)
}

#[test]
fn one_range() {
    for (range, expected) in [
        ("bytes=0-0", 0..1),
        ("bytes=2-4", 2..5),
        ("Bytes = 2-4 ", 2..5),
        ("bytes=9-", 9..10),
        ("bytes=0-", 0..10),
        ("bytes=-3", 7..10),
        ("bytes=-99", 0..10),
        ("bytes=3-99", 3..10),
        ("bytes=3-99999999999999999999999", 3..10),
        ("bytes=0-18446744073709551615", 0..10),
    ] {
        assert_eq!(get(range, 10), Part::Bytes(expected), "{range}");
    }
}

#[test]
fn none_of_the_bytes() {
    for range in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999999999999-"] {
        assert_eq!(get(range, 10), Part::Unsatisfiable, "{range}");
    }
    for range in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
        assert_eq!(get(range, 0), Part::Unsatisfiable, "{range}");
    }
}

#[test]
fn what_is_no_single_range_is_ignored() {
    for range in [
        "bytes=0-1,3-4",
        "bytes=4-2",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1-b",
        "bytes=+1-2",
        "bytes=--1",
        "lines=0-1",
        "0-1",
        "bytes",
        "bytes=1 2-3",
    ] {
        assert_eq!(get(range, 10), Part::Whole, "{range}");
    }
    assert_eq!(of(&Method::GET, &[], 10), Part::Whole);
    let twice = [(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=2-3")];
    assert_eq!(of(&Method::GET, &twice, 10), Part::Whole);
    assert_eq!(of(&Method::HEAD, &[(header::RANGE, "bytes=0-1")], 10), Part::Whole);
}

#[test]
fn only_of_what_the_caller_knows() {
    let range = (header::RANGE, "bytes=0-1");
    for (tag, expected) in [
        (TAG, Part::Bytes(0..2)),
        ("\"sha256:11\"", Part::Whole),
        ("W/\"sha256:00\"", Part::Whole),
        ("Sat, 21 Nov 2026 08:00:00 GMT", Part::Whole),
    ] {
        assert_eq!(of(&Method::GET, &[range.clone(), (header::IF_RANGE, tag)], 10), expected, "{tag}");
    }
}
