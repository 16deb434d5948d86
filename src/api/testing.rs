//! What the tests of this crate share.

use std::collections::BTreeMap;

use std::sync::OnceLock;

use admission::{About, Admission, Admitted, Options, Verdict};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use jiff::Timestamp;
use model::{
    Decision, Hook, HostPolicy, Job, JobId, JobRequest, JobSpec, Limits, Mode, Output, Ruling, Status,
    StepResult, Timing, Usage,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::records::{Arrival, Snapshot};

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

/// Without policies.
pub(crate) fn admission() -> Admission {
    static ALL: OnceLock<Admission> = OnceLock::new();
    let open = || {
        Admission::open(Options { host: host(), cache: None, record: None, places: 2 }).expect("an engine")
    };
    ALL.get_or_init(open).clone()
}

/// A job that was let through.
pub(crate) fn admitted() -> Admitted<JobSpec> {
    let request = JobRequest { command: Some(vec!["true".into()]), ..JobRequest::default() };
    let spec = request.check(&host()).expect("a valid job");
    match admission().admit(spec, About::local(JobId::new())) {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Denied(denial) => panic!("{denial:?}"),
    }
}

fn host() -> HostPolicy {
    HostPolicy { defaults: Limits::defaults(), caps: Limits::defaults(), profiles: vec!["default".into()] }
}

pub(crate) fn job(status: Status) -> Job {
    Job {
        id: JobId::new(),
        status,
        tenant: "default".into(),
        attempt: 0,
        paused: false,
        priority: 0,
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
        cases: Vec::new(),
    };
    let job = Job { status: Status::Succeeded, steps: vec![step], ..job };
    Snapshot { job, contents: BTreeMap::new() }
}

/// Of a job that nobody gives orders.
pub(crate) fn arrival() -> Arrival {
    Arrival { orders: mpsc::channel(1).0, memory: 10, seat: None }
}

/// An enforced no.
pub(crate) fn decision(policy: &str) -> Decision {
    Decision {
        policy: policy.into(),
        digest: "sha256:00".into(),
        generation: 1,
        hook: Hook::Validation,
        mode: Mode::Enforce,
        verdict: Ruling::Deny,
        code: Some("no".into()),
        reason: Some(format!("{policy} says no")),
        field: None,
        retryable: false,
        warnings: Vec::new(),
        annotations: BTreeMap::new(),
        patch: Vec::new(),
        refused: Vec::new(),
        shadow: false,
        duration_us: 1,
    }
}
