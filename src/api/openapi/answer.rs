//! What comes back: bodies, headers, and the problem of every refusal.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::{Content, Ref, Response, ResponseBuilder};

use super::parameter::schema;
use super::schemas::{Register, Schemas};
use crate::problem::{Code, Document};

const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";
const AUTHENTICATE: &str = "WWW-Authenticate";

/// One answer of an operation that did what it was asked.
pub(super) struct Answer {
    status: &'static str,
    about: &'static str,
    body: Vec<(&'static str, Body)>,
    headers: Vec<&'static str>,
    leads_to: Vec<Next>,
}

/// An operation, and where in the body its parameters are.
pub(super) type Next = (&'static str, &'static [(&'static str, &'static str)]);

pub(super) const OF_JOB: &[(&str, &str)] = &[("id", "$response.body#/id")];

enum Body {
    Of(Register),
    Bytes,
    Text(&'static str),
    Object,
}

impl Answer {
    pub(super) fn new(status: &'static str, about: &'static str) -> Self {
        Self { status, about, body: Vec::new(), headers: Vec::new(), leads_to: Vec::new() }
    }

    pub(super) fn json<T: schemars::JsonSchema>(mut self) -> Self {
        self.body.push(("application/json", Body::Of(schemars::SchemaGenerator::subschema_for::<T>)));
        self
    }

    pub(super) fn bytes(mut self) -> Self {
        self.body.push(("application/octet-stream", Body::Bytes));
        self
    }

    pub(super) fn tar(mut self) -> Self {
        self.body.push(("application/x-tar", Body::Bytes));
        self
    }

    /// JSON of a form that is told elsewhere.
    pub(super) fn object(mut self) -> Self {
        self.body.push(("application/json", Body::Object));
        self
    }

    pub(super) fn text(mut self, kind: &'static str, about: &'static str) -> Self {
        self.body.push((kind, Body::Text(about)));
        self
    }

    pub(super) fn headers(mut self, names: &[&'static str]) -> Self {
        self.headers.extend(names);
        self
    }

    pub(super) fn leads_to(mut self, operations: &[Next]) -> Self {
        self.leads_to.extend(operations);
        self
    }

    pub(super) fn document(self, schemas: &mut Schemas) -> (String, Response) {
        let mut response = ResponseBuilder::new().description(self.about);
        for (kind, body) in self.body {
            let content = match body {
                Body::Of(register) => Content::new(Some(schemas.answer(register))),
                Body::Bytes => Content::default(),
                Body::Object => Content::new(Some(schema(json!({ "type": "object" })))),
                Body::Text(about) => {
                    Content::new(Some(schema(json!({ "type": "string", "description": about }))))
                }
            };
            response = response.content(kind, content);
        }
        for name in std::iter::once(REQUEST_ID).chain(self.headers) {
            response = response.header_ref(name, header_ref(name));
        }
        for (operation, parameters) in self.leads_to {
            let link = LinkBuilder::new().operation_id(operation);
            let link = parameters.iter().fold(link, |link, (name, place)| link.parameter(*name, *place));
            response = response.link(operation, link.build());
        }
        (self.status.into(), response.build())
    }
}

/// One response for each status that these refusals have.
pub(super) fn refusals(codes: &[Code], schemas: &mut Schemas) -> Vec<(String, Response)> {
    let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
    for code in codes {
        let of_status = by_status.entry(code.status().as_u16()).or_default();
        if !of_status.contains(code) {
            of_status.push(*code);
        }
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), refusal(status, &codes, schemas)))
        .collect()
}

fn refusal(status: u16, codes: &[Code], schemas: &mut Schemas) -> Response {
    let line = |code: &Code| format!("`{}`: {}.", code.name(), code.title());
    let about = codes.iter().map(line).collect::<Vec<_>>().join("\n\n");
    let problem = schemas.answer(schemars::SchemaGenerator::subschema_for::<Document<'static>>);
    let mut response = ResponseBuilder::new()
        .description(about)
        .content("application/problem+json", Content::new(Some(problem)))
        .header_ref(REQUEST_ID, header_ref(REQUEST_ID));
    let also = match status {
        401 => Some(AUTHENTICATE),
        416 => Some("Content-Range"),
        429 | 503 | 507 => Some(RETRY_AFTER),
        _ => codes.contains(&Code::IdempotencyInFlight).then_some(RETRY_AFTER),
    };
    if let Some(name) = also {
        response = response.header_ref(name, header_ref(name));
    }
    response.build()
}

fn header_ref(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// Those that an answer has whenever it is said to have them.
pub(super) const ALWAYS: [&str; 8] = [
    REQUEST_ID,
    AUTHENTICATE,
    "ETag",
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "Repr-Digest",
    "Stockade-Bytes-Printed",
];

/// Every header that an answer can have, by name.
pub(super) fn headers() -> Vec<(&'static str, Header)> {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let flag = json!({ "type": "string", "enum": ["true"] });
    let tag = json!({ "type": "string", "pattern": "^\"[^\"]*\"$" });
    let all = [
        (
            REQUEST_ID,
            "Of this request, as in the server's log.",
            json!({ "type": "string", "format": "uuid" }),
        ),
        (RETRY_AFTER, "Seconds after which it may go better (RFC 9110 §10.2.3).", number.clone()),
        (AUTHENTICATE, "What is missing or wrong (RFC 6750 §3).", text.clone()),
        ("Location", "Where it is now.", text.clone()),
        ("ETag", "A strong validator of this answer (RFC 9110 §8.8.3).", tag),
        ("Cache-Control", "How long the answer holds.", text.clone()),
        ("Content-Range", "Which of the bytes these are (RFC 9110 §14.4).", text.clone()),
        ("Accept-Ranges", "`bytes`.", text.clone()),
        ("Content-Disposition", "A name to save it under (RFC 6266).", text.clone()),
        ("Repr-Digest", "SHA-256 of all the bytes (RFC 9530).", text),
        (
            "Idempotent-Replayed",
            "The answer is about a job that was sent before with this key.",
            flag.clone(),
        ),
        ("Stockade-Bytes-Printed", "How much the step printed, kept or not.", number),
        ("Stockade-Truncated", "Bytes in the middle were dropped.", flag),
    ];
    all.map(|(name, about, schema)| (name, header(about, schema))).into()
}

fn header(about: &str, kind: Value) -> Header {
    HeaderBuilder::new().description(Some(about)).schema(Some(schema(kind))).build()
}
