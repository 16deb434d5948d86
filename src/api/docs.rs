//! `GET /docs`: the document of `openapi` as one page. Made here, once, of HTML and CSS alone: it needs no network and no
//! script, so the strictest policy holds for it.

mod page;
mod schema;
mod text;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::etag::known;
use crate::openapi::document;

const STYLE: &str = include_str!("docs/style.css");

struct Page {
    body: Bytes,
    tag: String,
    policy: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let body = page::page(document(), STYLE);
    // CSP Level 3 §2.3.1: the one style that may apply is this one.
    let style = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Page { tag: crate::etag::of(body.as_bytes()), body: body.into(), policy }
});

pub(crate) async fn docs(headers: HeaderMap) -> Response {
    let Page { body, tag, policy } = &*PAGE;
    let validator = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if known(tag, &headers) {
        return (StatusCode::NOT_MODIFIED, validator).into_response();
    }
    let guarded = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (guarded, validator, body.clone()).into_response()
}

#[cfg(test)]
mod tests;
