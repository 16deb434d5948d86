//! What the tests of this crate share.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use model::{Job, JobId, Output, Status, StepResult, Timing, Usage};
use serde_json::Value;
use tower::ServiceExt;

use crate::records::Snapshot;

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a textual header"))
    }

    /// The last part of the problem's `type`.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert_eq!(json["request_id"], self.header("x-request-id"));
        json["type"]
            .as_str()
            .and_then(|t| t.strip_prefix("urn:stockade:problem:"))
            .expect("our type")
            .to_owned()
    }
}

pub(crate) fn request(method: &str, uri: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(uri).header("host", "localhost")
}

pub(crate) async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (head, body) = router.clone().oneshot(request).await.expect("infallible").into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    Answer { status: head.status, headers: head.headers, body }
}

pub(crate) fn job(status: Status) -> Job {
    Job {
        id: JobId::new(),
        status,
        tenant: "default".into(),
        labels: BTreeMap::new(),
        created_at: Timestamp::now(),
        started_at: None,
        finished_at: None,
        cause: None,
        steps: Vec::new(),
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        policy: Vec::new(),
        warnings: Vec::new(),
        annotations: BTreeMap::new(),
        isolation: None,
        timing: Timing::default(),
    }
}

/// A finished job that printed that many bytes.
pub(crate) fn finished(job: Job, bytes: usize) -> Snapshot {
    let stdout =
        Output { text: "x".repeat(bytes), encoding: "utf-8".into(), bytes: bytes as u64, truncated: false };
    let step = StepResult {
        name: "run".into(),
        status: Status::Succeeded,
        exit_code: Some(0),
        signal: None,
        cause: None,
        stdout,
        stderr: Output::default(),
        usage: Usage::default(),
    };
    let job = Job { status: Status::Succeeded, steps: vec![step], ..job };
    Snapshot { job, contents: BTreeMap::new() }
}
