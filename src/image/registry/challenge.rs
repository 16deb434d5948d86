use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use url::Url;

/// How a registry wants to be told who we are (RFC 9110 section 11.6.1; Docker Registry v2 token authentication).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Bearer { realm: Url, service: Option<String> },
    Basic,
}

/// The first that we can answer, Bearer before Basic.
pub(super) fn challenge(headers: &HeaderMap) -> Option<Challenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let all: Vec<_> =
        values.flat_map(|value| http_auth::parse_challenges(value).unwrap_or_default()).collect();
    let bearer = all.iter().filter(|offer| offer.scheme.eq_ignore_ascii_case("bearer")).find_map(|offer| {
        let parameter = |name: &str| {
            let found = offer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = Url::parse(&parameter("realm")?).ok()?;
        Some(Challenge::Bearer { realm, service: parameter("service") })
    });
    let basic =
        || all.iter().any(|offer| offer.scheme.eq_ignore_ascii_case("basic")).then_some(Challenge::Basic);
    bearer.or_else(basic)
}

#[cfg(test)]
mod tests;
