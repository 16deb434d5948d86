//! What a request has beside its body.

use serde_json::{Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{RefOr, Required, Schema};

pub(super) fn in_path(name: &str, about: &str, schema: Value) -> Parameter {
    parameter(name, ParameterIn::Path, about, schema)
}

pub(super) fn in_query(name: &str, about: &str, schema: Value) -> Parameter {
    parameter(name, ParameterIn::Query, about, schema)
}

pub(super) fn in_header(name: &str, about: &str, schema: Value) -> Parameter {
    parameter(name, ParameterIn::Header, about, schema)
}

pub(super) fn job_id() -> Parameter {
    in_path("id", "A job's id.", json!({ "type": "string", "format": "uuid" }))
}

pub(super) fn digest() -> Parameter {
    in_path("digest", "Of the bytes.", json!({ "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" }))
}

/// RFC 9110 §13.1.2. What cannot be read matches nothing.
pub(super) fn if_none_match() -> Parameter {
    let about = "The `ETag` of an earlier answer: 304 where it is still the same.";
    in_header("If-None-Match", about, json!({ "type": "string" }))
}

/// RFC 9110 §14.2. What cannot be read is ignored.
pub(super) fn range() -> Parameter {
    let about = "One range of bytes, such as `bytes=0-1023` or `bytes=-512`: answered with 206. More than one, or another \
        unit: answered as without it.";
    in_header("Range", about, json!({ "type": "string" }))
}

pub(super) fn if_range() -> Parameter {
    let about = "The `ETag` of an earlier answer: where the bytes are others by now, all of them are answered, not the `Range`.";
    in_header("If-Range", about, json!({ "type": "string" }))
}

pub(super) fn idempotency_key() -> Parameter {
    let about = "The same key with the same body is the same job, for 24 hours: sent twice, it runs once. Keys are a tenant's own.";
    in_header("Idempotency-Key", about, json!({ "type": "string", "pattern": "^[!-~]{1,255}$" }))
}

fn parameter(name: &str, place: ParameterIn, about: &str, schema: Value) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description((!about.is_empty()).then_some(about))
        .schema(Some(self::schema(schema)))
        .build()
}

/// Those of parameters and headers are plain enough for utoipa; a test compares what becomes of each.
pub(super) fn schema(schema: Value) -> RefOr<Schema> {
    serde_json::from_value(schema).unwrap_or_default()
}
