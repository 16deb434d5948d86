//! Requests by what they asked for, not by whom or which job: a route is one of those that there are.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;

use super::Telemetry;

pub(crate) async fn measured(State(telemetry): State<Telemetry>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = KeyValue::new("http.request.method", known(request.method()));
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let response = next.run(request).await;
    if let Some(meters) = telemetry.meters() {
        let status = response.status();
        let code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        let mut attributes = vec![method, code];
        attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
        if status.is_server_error() {
            attributes.push(KeyValue::new("error.type", status.as_str().to_owned()));
        }
        meters.request(&attributes, start.elapsed());
    }
    response
}

/// Others are one, as the conventions for HTTP have it: a client may make up any.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "_OTHER",
    }
}
