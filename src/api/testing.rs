//! What the tests of this crate share.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::{env, fs, process};

use admission::{About, Admission, Admitted, Verdict};
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use journal::{Journal, NewJob, Options};
use model::{
    Accepted, Artifact, Decision, Decisions, Ended, Happened, Hook, HostPolicy, JobId, JobRequest, JobSpec,
    Limits, Mode, Ruling, Status, Timing,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::store::Store;
use crate::store::live::Live;

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
        let options = admission::Options {
            host: host(),
            cache: None,
            record: None,
            places: 2,
            recalls: true,
            aside: |work| work(),
        };
        Admission::open(options).expect("an engine")
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

/// A journal of its own, gone with it.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) folder: PathBuf,
    pub(crate) store: Store,
}

impl State {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("stockade-api-test-{}-{number}", process::id()));
        let (journal, unfinished) = Journal::open(Options::new(&folder)).expect("a journal");
        assert!(unfinished.is_empty());
        Self { folder, store: Store::new(journal) }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// A job that waits, in memory alone.
pub(crate) fn live() -> Arc<Live> {
    let live = Live::new(JobId::new(), "default", Vec::new(), mpsc::channel(1).0);
    live.happened(Happened::Accepted(Box::new(accepted(live.id))));
    Arc::new(live)
}

fn accepted(id: JobId) -> Accepted {
    Accepted {
        id,
        tenant: "default".into(),
        submitter: "anonymous".into(),
        labels: BTreeMap::new(),
        priority: 0,
        policy: Decisions::default(),
        warnings: Vec::new(),
        admit_us: 1,
        traceparent: None,
    }
}

pub(crate) fn ended(status: Status, artifacts: Vec<Artifact>) -> Ended {
    Ended {
        status,
        cause: None,
        skipped: Vec::new(),
        artifacts,
        artifact_errors: Vec::new(),
        committed: None,
        policy: Vec::new(),
        warnings: Vec::new(),
        timing: Timing::default(),
    }
}

/// Of a job that ran, in the journal.
pub(crate) fn finished(store: &Store, artifacts: Vec<Artifact>) -> JobId {
    let live = live();
    let admitted = admitted();
    let new = NewJob { spec: admitted.spec(), events: live.first(), idempotency: None };
    store.journal.accept(new).wait().expect("accepted");
    live.finish(ended(Status::Succeeded, artifacts), &store.journal, None).commit.wait().expect("ended");
    live.id
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
        remembered: false,
        duration_us: 1,
    }
}
