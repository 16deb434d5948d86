//! What a request shows for itself: `Authorization: Bearer stk_…` (RFC 6750 §2.1). The other two ways of RFC 6750, a
//! form field and a query parameter, end up in logs and are not looked at.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;

/// Nothing of what was sent is in it: it is answered and logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialError {
    #[error("this server needs a token: send `Authorization: Bearer stk_…`")]
    Missing,
    #[error("there is more than one `Authorization` header")]
    Several,
    #[error("this server takes tokens alone: send `Authorization: Bearer stk_…`")]
    Scheme,
    #[error("the token is not known here, has expired or was revoked")]
    Invalid,
}

/// The token as sent; what it is worth is for the caller to find out.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&[u8], CredentialError> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let value = match (all.next(), all.next()) {
        (Some(only), None) => only.as_bytes(),
        (None, _) => return Err(CredentialError::Missing),
        _ => return Err(CredentialError::Several),
    };
    let (scheme, token) = value.split_at(value.iter().position(|&b| b == b' ').unwrap_or(value.len()));
    // RFC 9110 §11.1: the scheme's name in any case.
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(CredentialError::Scheme);
    }
    match token.trim_ascii() {
        b"" => Err(CredentialError::Missing),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn sent(values: &[&str]) -> Result<String, CredentialError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        }
        bearer(&headers).map(|token| String::from_utf8_lossy(token).into_owned())
    }

    #[test]
    fn one_bearer_token_and_nothing_else() {
        assert_eq!(sent(&["Bearer stk_abc"]), Ok("stk_abc".into()));
        assert_eq!(sent(&["bEARER   stk_abc "]), Ok("stk_abc".into()));
        assert_eq!(sent(&[]), Err(CredentialError::Missing));
        assert_eq!(sent(&["Bearer "]), Err(CredentialError::Missing));
        assert_eq!(sent(&["Bearer"]), Err(CredentialError::Missing));
        assert_eq!(sent(&["Bearer a", "Bearer a"]), Err(CredentialError::Several));
        for other in ["Basic dXNlcjpwYXNz", "stk_abc", "Bearerstk_abc", ""] {
            assert_eq!(sent(&[other]), Err(CredentialError::Scheme), "{other}");
        }
        assert_eq!(sent(&["Bearer a b"]), Ok("a b".into()), "worth nothing, but a token");
    }
}
