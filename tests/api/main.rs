//! The HTTP interface against a real daemon: what is refused and how, and that nothing a client sends harms it.

mod blobs;
mod callbacks;
mod callers;
mod cases;
mod durable;
mod edge;
mod events;
mod fairness;
mod hostile;
mod idempotency;
mod images;
mod openapi;
mod output;
mod policies;
mod queue;
mod refused;
mod routes;
mod telemetry;
mod volumes;

use std::process::ExitCode;

use serde_json::Value;
use support::Response;

fn main() -> ExitCode {
    let modules = [
        refused::cases(),
        edge::cases(),
        routes::cases(),
        queue::cases(),
        hostile::cases(),
        policies::cases(),
        events::cases(),
        blobs::cases(),
        callbacks::cases(),
        callers::cases(),
        idempotency::cases(),
        images::cases(),
        volumes::cases(),
        openapi::cases(),
        output::cases(),
        cases::cases(),
        durable::cases(),
        fairness::cases(),
        telemetry::cases(),
    ];
    support::main(&modules.concat())
}

/// Every refusal has this form (RFC 9457); the problem and its pointers.
fn problem(answer: &Response, status: u16, kind: &str) -> Vec<String> {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:stockade:problem:{kind}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    assert_eq!(problem["request_id"].as_str(), answer.header("x-request-id"), "{problem}");
    let errors = problem["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let pointer = |error: &Value| error["pointer"].as_str().expect("a pointer").to_owned();
    errors.iter().map(pointer).collect()
}
