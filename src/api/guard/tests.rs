use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, Version};

use super::{Guard, GuardError};

fn check(uri: &str, headers: &[(&'static str, &str)]) -> Result<(), GuardError> {
    checked(Version::HTTP_11, uri, headers)
}

fn checked(version: Version, uri: &str, headers: &[(&'static str, &str)]) -> Result<(), GuardError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
    }
    let guard = Guard::new(&["stockade.example".into(), "fd00::1".into()]);
    guard.check_host(version, &uri.parse::<Uri>().expect("a target"), &map)?;
    guard.same_site(&map)
}

#[test]
fn answers_under_its_own_names_with_any_port() {
    for host in [
        "localhost",
        "LOCALHOST:7070",
        "127.0.0.1",
        "127.0.0.1:1",
        "[::1]",
        "[::1]:65535",
        "localhost:",
        "stockade.example:443",
        "[fd00::1]:7070",
    ] {
        assert_eq!(check("/jobs", &[("host", host)]), Ok(()), "{host}");
    }
}

#[test]
fn is_misdirected_under_any_other_name() {
    for host in [
        "evil.example",
        "localhost.evil.example",
        "localhost.",
        "127.0.0.1.nip.io",
        "127.0.0.2",
        "0.0.0.0",
        "localhost@evil.example",
        "evil.example:7070",
        "[::2]",
        "fd00",
    ] {
        assert_eq!(check("/jobs", &[("host", host)]), Err(GuardError::Misdirected), "{host}");
    }
}

#[test]
fn needs_exactly_one_valid_host() {
    for host in
        ["", ":7070", "localhost:http", "localhost:99999", "localhost:+80", "localhost:1:2", "[::1", "[::1]x"]
    {
        assert_eq!(check("/jobs", &[("host", host)]), Err(GuardError::Host), "{host}");
    }
    assert_eq!(check("/jobs", &[]), Err(GuardError::Host));
    assert_eq!(check("/jobs", &[("host", "localhost"), ("host", "localhost")]), Err(GuardError::Host));
    assert_eq!(checked(Version::HTTP_10, "/jobs", &[]), Ok(()));
    assert_eq!(checked(Version::HTTP_10, "/jobs", &[("host", "evil.example")]), Err(GuardError::Misdirected));
}

#[test]
fn a_target_in_absolute_form_must_be_ours_too() {
    assert_eq!(check("http://localhost:7070/jobs", &[("host", "localhost")]), Ok(()));
    let foreign = check("http://evil.example/jobs", &[("host", "localhost")]);
    assert_eq!(foreign, Err(GuardError::Misdirected));
}

#[test]
fn refuses_pages_of_other_sites() {
    let from = |origin| check("/jobs", &[("host", "localhost"), ("origin", origin)]);
    for origin in ["http://localhost:3000", "https://stockade.example", "http://[::1]:7070"] {
        assert_eq!(from(origin), Ok(()), "{origin}");
    }
    for origin in
        ["https://evil.example", "null", "", "localhost", "file://localhost", "http://localhost.evil.example"]
    {
        assert_eq!(from(origin), Err(GuardError::CrossSite), "{origin}");
    }
    let fetched = |site| check("/jobs", &[("host", "localhost"), ("sec-fetch-site", site)]);
    assert_eq!(fetched("cross-site"), Err(GuardError::CrossSite));
    for site in ["same-origin", "same-site", "none"] {
        assert_eq!(fetched(site), Ok(()), "{site}");
    }
}
