//! One method of one path, and what all of a kind have in common.

use serde_json::Value;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, Parameter};
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Content, Required, path};

use super::answer::{Answer, refusals};
use super::parameter::in_query;
use super::schemas::{Register, Schemas, parameters};
use crate::caller::Role;
use crate::problem::Code;

pub(super) const BEARER: &str = "token";

pub(super) struct Operation {
    pub(super) path: &'static str,
    pub(super) method: HttpMethod,
    name: &'static str,
    tag: &'static str,
    about: &'static str,
    /// `None` where nobody is asked who they are.
    role: Option<Role>,
    parameters: Vec<Parameter>,
    body: Option<Body>,
    answers: Vec<Answer>,
    refusals: Vec<Code>,
}

enum Body {
    Json(Register, Vec<(&'static str, Value)>),
    Bytes(&'static str),
}

impl Operation {
    /// `about` is its first line and, after an empty one, more about it.
    pub(super) fn new(
        method: HttpMethod,
        path: &'static str,
        tag: &'static str,
        name: &'static str,
        about: &'static str,
    ) -> Self {
        let (parameters, body, answers) = (Vec::new(), None, Vec::new());
        // Whatever is asked for: see `guard` and `edge`.
        let refusals = vec![
            Code::MalformedRequest,
            Code::CrossSiteRequest,
            Code::MisdirectedRequest,
            Code::InternalError,
        ];
        Self { path, method, name, tag, about, role: None, parameters, body, answers, refusals }
    }

    pub(super) fn role(mut self, role: Role) -> Self {
        self.role = Some(role);
        self.refused(&[Code::Unauthorized, Code::InvalidToken, Code::Forbidden])
    }

    pub(super) fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// The fields of `T`.
    pub(super) fn query<T: schemars::JsonSchema>(mut self) -> Self {
        for (name, mut schema) in parameters::<T>() {
            let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
            let about = about.as_ref().and_then(Value::as_str).unwrap_or_default();
            self.parameters.push(in_query(&name, about, schema));
        }
        self.refused(&[Code::InvalidQuery])
    }

    pub(super) fn json<T: schemars::JsonSchema>(mut self, examples: Vec<(&'static str, Value)>) -> Self {
        self.body = Some(Body::Json(schemars::SchemaGenerator::subschema_for::<T>, examples));
        let refusals =
            [Code::MalformedJson, Code::UnsupportedMediaType, Code::BodyTooLarge, Code::BodyTimeout];
        self.refused(&refusals).refused(&[Code::QueueFull])
    }

    pub(super) fn bytes(mut self, about: &'static str) -> Self {
        self.body = Some(Body::Bytes(about));
        self.refused(&[Code::BodyTooLarge, Code::BodyTimeout])
    }

    pub(super) fn answer(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    pub(super) fn refused(mut self, codes: &[Code]) -> Self {
        self.refusals.extend(codes);
        self
    }

    pub(super) fn document(self, schemas: &mut Schemas) -> path::Operation {
        let (summary, more) = self.about.split_once("\n\n").unwrap_or((self.about, ""));
        let role = self.role.map(|role| format!("Needs the role `{role}`."));
        let about = [more.to_owned(), role.unwrap_or_default()].join("\n\n").trim().to_owned();
        let mut operation = OperationBuilder::new()
            .operation_id(Some(self.name))
            .tag(self.tag)
            .summary(Some(summary))
            .description((!about.is_empty()).then_some(about))
            .request_body(self.body.map(|body| request_body(body, schemas)));
        if !self.parameters.is_empty() {
            operation = operation.parameters(Some(self.parameters));
        }
        if self.role.is_some() {
            operation = operation.security(SecurityRequirement::new(BEARER, [""; 0]));
        }
        let bodiless = self.method == HttpMethod::Head;
        let mut responses = refusals(&self.refusals, schemas);
        for answer in self.answers {
            responses.push(answer.document(schemas));
        }
        for (status, mut response) in responses {
            // RFC 9110 §9.3.2: headers alone.
            if bodiless {
                response.content.clear();
            }
            operation = operation.response(status, response);
        }
        operation.build()
    }
}

fn request_body(body: Body, schemas: &mut Schemas) -> RequestBody {
    let builder = RequestBodyBuilder::new();
    match body {
        // None at all is no bytes, and they can be kept as well as others.
        Body::Bytes(about) => {
            builder.description(Some(about)).content("application/octet-stream", Content::default()).build()
        }
        Body::Json(register, examples) => {
            let example = |(name, value)| (name, ExampleBuilder::new().value(Some(value)).build());
            let content = ContentBuilder::new()
                .schema(Some(schemas.take(register)))
                .examples_from_iter(examples.into_iter().map(example));
            builder.required(Some(Required::True)).content("application/json", content.build()).build()
        }
    }
}
