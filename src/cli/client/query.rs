//! Texts of anybody's in a request's target (RFC 3986, section 2).

use std::fmt::Write;

/// `/a/b`, each part escaped.
pub(crate) fn path<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().fold(String::new(), |target, part| target + "/" + &escaped(part))
}

/// `path?a=b&c=d`.
pub(crate) fn query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    if pairs.is_empty() { path.into() } else { format!("{path}?{}", pairs.join("&")) }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            write!(escaped, "%{byte:02X}").ok();
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::{path, query};

    #[test]
    fn nothing_of_a_text_becomes_syntax() {
        assert_eq!(path(["jobs", "a/b ?ü"]), "/jobs/a%2Fb%20%3F%C3%BC");
        assert_eq!(
            query("/jobs", [("label", "a:b&c=d"), ("limit", "5")]),
            "/jobs?label=a%3Ab%26c%3Dd&limit=5"
        );
        assert_eq!(query("/jobs", []), "/jobs");
    }
}
