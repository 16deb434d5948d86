//! `GET /openapi.json`: what this server takes and answers, as OpenAPI 3.1.
//!
//! Schemas come from the types themselves (schemars), refusals from [`crate::problem::Code`], and the rest is a table of
//! operations in `operations`. Tests hold the table against the router, and its document against a running server.

mod answer;
mod operation;
mod operations;
mod parameter;
mod schemas;

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use utoipa::openapi::path::Paths;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Components, ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder};

use crate::etag::known;
use schemas::Schemas;

const ABOUT: &str = "Runs other people's programs: each job in a fresh, hardened, rootless Linux container, with an exact verdict, \
    the resources it used and a receipt of what the kernel enforced.\n\n\
    Every error is `application/problem+json` (RFC 9457) with a stable `type`. Unknown fields and parameters are refused. \
    Sizes are in bytes; times are in milliseconds where they are asked for (`_ms`) and in microseconds where they are measured (`_us`).";

static DOCUMENT: LazyLock<Value> = LazyLock::new(build);
static BODY: LazyLock<(Bytes, String)> = LazyLock::new(|| {
    // Made of text and numbers alone.
    let mut body = serde_json::to_vec_pretty(&*DOCUMENT).unwrap_or_default();
    body.push(b'\n');
    let tag = crate::etag::of(&body);
    (body.into(), tag)
});

pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

pub(crate) async fn openapi(headers: HeaderMap) -> Response {
    let (body, tag) = &*BODY;
    let validator = [(header::ETAG, tag.as_str()), (header::CACHE_CONTROL, "no-cache")];
    if known(tag, &headers) {
        return (StatusCode::NOT_MODIFIED, validator).into_response();
    }
    ([(header::CONTENT_TYPE, "application/json")], validator, body.clone()).into_response()
}

fn build() -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Paths::new();
    for operation in operations::all() {
        let (path, method) = (operation.path, operation.method.clone());
        paths.add_path_operation(path, vec![method], operation.document(&mut schemas));
    }
    let document = frame().paths(paths).components(Some(components())).build();
    with_schemas(&document, schemas)
}

fn frame() -> OpenApiBuilder {
    let licence = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Stockade")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(licence));
    let tags = operations::TAGS;
    let tags = tags.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApiBuilder::new().info(info.build()).tags(Some(tags))
}

fn components() -> Components {
    let about = "Made by `stockade token new`. A server without tokens answers on this host alone and asks nobody for one; \
        neither does a unix socket the server's own user.";
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(about)).build();
    let headers = answer::headers();
    let mut components =
        ComponentsBuilder::new().security_scheme(operation::BEARER, SecurityScheme::Http(scheme)).build();
    components.headers = headers.into_iter().map(|(name, header)| (name.to_owned(), header.into())).collect();
    components
}

/// utoipa's own schemas know fewer keywords than schemars writes, and its headers cannot be required, so these go in as
/// they are.
fn with_schemas(document: &OpenApi, schemas: Schemas) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    if let Some(Value::Object(components)) = document.get_mut("components") {
        components.insert("schemas".into(), schemas.finish());
    }
    for name in answer::ALWAYS {
        if let Some(Value::Object(header)) = document.pointer_mut(&format!("/components/headers/{name}")) {
            header.insert("required".into(), true.into());
        }
    }
    document
}

#[cfg(test)]
mod tests;
