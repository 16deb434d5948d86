use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

/// What a route has in place of `{wanted}`; none where that is no text.
pub(crate) async fn segment(parts: &mut Parts, wanted: &str) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, &()).await.ok()?;
    params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.to_owned())
}
