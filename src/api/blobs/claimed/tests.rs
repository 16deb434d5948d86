use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{ClaimError, claimed};
use crate::digest::Digest;

const ABC: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
const EMPTY: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";

fn of(fields: &[(&'static str, &str)]) -> Result<Option<Digest>, ClaimError> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"));
    }
    claimed(&headers)
}

#[test]
fn one_digest() {
    let abc = Ok(Some(Digest::of(b"abc")));
    for fields in [
        &[("content-digest", ABC)][..],
        &[("repr-digest", ABC)],
        &[("repr-digest", ABC), ("content-digest", ABC)],
        &[("content-digest", &format!("sha-512=:AAAA:, {ABC}"))],
        &[("content-digest", &format!("{ABC};p=1,unixsum=5"))],
        &[("content-digest", EMPTY), ("content-digest", ABC)],
        &[("content-digest", &ABC.replace("sha", "SHA"))],
    ] {
        assert_eq!(of(fields), abc, "{fields:?}");
    }
}

#[test]
fn none_that_can_be_checked() {
    for fields in [
        &[][..],
        &[("content-digest", "sha-512=:AAAA:")],
        &[("repr-digest", "md5=1")],
        &[("repr-digest", "")],
    ] {
        assert_eq!(of(fields), Ok(None), "{fields:?}");
    }
}

#[test]
fn what_is_none() {
    for value in [
        "sha-256",
        "sha-256=",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-256=ungWv48B",
        "sha-256=:!:",
        "sha-256=:",
    ] {
        assert_eq!(of(&[("content-digest", value)]), Err(ClaimError::Syntax("content-digest")), "{value}");
    }
    assert_eq!(of(&[("content-digest", ABC), ("repr-digest", EMPTY)]), Err(ClaimError::Differ));
}
