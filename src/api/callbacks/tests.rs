//! Against real receivers, from a real journal.

mod https;
mod receiver;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use journal::{Due, Journal, NewJob};
use model::{
    Accepted, CallbackRequest, Decisions, Ended, Event, Happened, HostPolicy, Job, JobId, JobRequest, Limits,
    Status, Timing,
};
use sha2::Sha256;

use super::{Allow, Callbacks};
use crate::testing::State;
use receiver::{Receiver, Request};

const KEY: &[u8; 24] = b"twenty-four bytes of key";
const LOCAL: &str = "127.0.0.0/8";

fn allow() -> Vec<Allow> {
    vec![LOCAL.parse().expect("a rule")]
}

/// A job that has ended, and its callback is due.
fn ended(journal: &Journal, url: &str) -> JobId {
    let host = HostPolicy {
        defaults: Limits::defaults(),
        caps: Limits::defaults(),
        profiles: vec!["default".into()],
    };
    let callback = CallbackRequest { url: url.into(), secret: STANDARD.encode(KEY) };
    let command = Some(vec!["true".into()]);
    let request = JobRequest { command, callback: Some(callback), ..JobRequest::default() };
    let spec = request.check(&host).expect("a valid job");
    let id = JobId::new();
    let accepted = Accepted {
        id,
        tenant: "default".into(),
        submitter: "anonymous".into(),
        labels: spec.labels.clone(),
        priority: 0,
        policy: Decisions::default(),
        warnings: Vec::new(),
        admit_us: 1,
        traceparent: None,
    };
    let end = Ended {
        status: Status::Succeeded,
        cause: None,
        skipped: Vec::new(),
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        committed: None,
        policy: Vec::new(),
        warnings: Vec::new(),
        timing: Timing::default(),
    };
    let event = |seq, what| Event { seq, at: Timestamp::now(), what };
    let first = event(1, Happened::Accepted(Box::new(accepted)));
    let last = event(2, Happened::Ended(Box::new(end)));
    let job = Job::from_events([first.clone(), last.clone()]).expect("a job");
    let new = NewJob { spec: &spec, events: vec![first], idempotency: None };
    journal.accept(new).wait().expect("accepted");
    journal.end(id, vec![last], &job, spec.callback.as_ref()).wait().expect("ended");
    id
}

/// Due now or later.
fn left(journal: &Journal) -> Vec<Due> {
    let ever = Timestamp::now() + jiff::SignedDuration::from_hours(48);
    journal.due_callbacks(ever, ever, 1000).expect("the outbox")
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn signed(request: &Request) -> bool {
    let header = |name| request.header(name).expect(name);
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).expect("any key");
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(&request.body);
    header("webhook-signature") == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_and_whole() {
    let (state, receiver) = (State::new(), Receiver::new(&[204]));
    let journal = &state.store.journal;
    let callbacks = Callbacks::start(journal.clone(), &allow());
    let id = ended(journal, &receiver.url("/hook?x=1"));
    callbacks.wake();
    let request = receiver.next();
    assert_eq!(request.line, "POST /hook?x=1 HTTP/1.1");
    assert_eq!(request.header("webhook-id"), Some(id.to_string().as_str()));
    assert_eq!(request.header("host"), Some(receiver.address.to_string().as_str()));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("user-agent"), Some(concat!("stockade/", env!("CARGO_PKG_VERSION"))));
    let sent: i64 = request.header("webhook-timestamp").and_then(|time| time.parse().ok()).expect("seconds");
    assert!((0..5).contains(&(Timestamp::now().as_second() - sent)));
    assert!(signed(&request), "{request:?}");
    let job = journal.job(id).expect("a read").expect("the job");
    assert_eq!(serde_json::from_slice::<Job>(&request.body).expect("a job"), job);
    until("it is done", || left(journal).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn again_after_an_error() {
    let (state, receiver) = (State::new(), Receiver::new(&[500, 404, 200]));
    let journal = &state.store.journal;
    let id = ended(journal, &receiver.url("/"));
    // Without being woken: it was there before.
    let _callbacks = Callbacks::start(journal.clone(), &allow());
    let first = receiver.next();
    until("the attempt is counted", || left(journal).first().is_some_and(|due| due.attempt >= 1)).await;
    let second = receiver.next();
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert!(second.at.duration_since(first.at) >= Duration::from_secs(1), "one second, and a little");
    assert!(signed(&first) && signed(&second));
    until("the next attempt is later", || left(journal).first().is_some_and(|due| due.attempt == 2)).await;
    assert_eq!(left(journal)[0].id, id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taken_up_after_a_restart() {
    let (state, receiver) = (State::new(), Receiver::new(&[503, 200]));
    let journal = &state.store.journal;
    ended(journal, &receiver.url("/"));
    let callbacks = Callbacks::start(journal.clone(), &allow());
    receiver.next();
    until("the attempt is counted", || left(journal).first().is_none_or(|due| due.attempt >= 1)).await;
    drop(callbacks);
    let _callbacks = Callbacks::start(journal.clone(), &allow());
    assert!(signed(&receiver.next()));
    until("it is done", || left(journal).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_for_good() {
    let (state, receiver) = (State::new(), Receiver::new(&[410]));
    let journal = &state.store.journal;
    ended(journal, &receiver.url("/"));
    let _callbacks = Callbacks::start(journal.clone(), &allow());
    receiver.next();
    until("it is dropped", || left(journal).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_are_not_followed() {
    let (state, elsewhere) = (State::new(), Receiver::new(&[200]));
    let receiver = Receiver::redirecting(&elsewhere.url("/"));
    let journal = &state.store.journal;
    ended(journal, &receiver.url("/"));
    let _callbacks = Callbacks::start(journal.clone(), &allow());
    receiver.next();
    until("it is an error like any other", || left(journal).first().is_some_and(|due| due.attempt >= 1))
        .await;
    assert!(elsewhere.nothing());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn private_addresses_are_refused() {
    let (state, receiver) = (State::new(), Receiver::new(&[200]));
    let journal = &state.store.journal;
    let port = receiver.address.port();
    let callbacks = Callbacks::start(journal.clone(), &[]);
    for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        ended(journal, &format!("http://{host}:{port}/"));
    }
    callbacks.wake();
    until("all were tried", || left(journal).iter().all(|due| due.attempt >= 1)).await;
    assert!(receiver.nothing(), "nobody even connected");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_receiver_delays_no_other() {
    let (state, slow, quick) = (State::new(), Receiver::silent(), Receiver::new(&[200]));
    let journal = &state.store.journal;
    // More than are looked at together.
    for _ in 0..2100 {
        ended(journal, &slow.url("/"));
    }
    let id = ended(journal, &quick.url("/"));
    let start = Instant::now();
    let _callbacks = Callbacks::start(journal.clone(), &allow());
    assert_eq!(quick.next().header("webhook-id"), Some(id.to_string().as_str()));
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "less than one attempt at the slow one: {:?}",
        start.elapsed()
    );
    assert!(slow.connected() <= 4, "{}", slow.connected());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checked_as_it_arrives() {
    let state = State::new();
    let callbacks = Callbacks::start(state.store.journal.clone(), &allow());
    let check = |url: &str| {
        let callback = model::Callback { url: url.into(), secret: Vec::from(KEY).into() };
        callbacks.check(&callback).map_err(|error| error.pointer)
    };
    for url in ["http://10.0.0.1/", "http://[::1]/", "http://me@example.org/", "http://h:99999/"] {
        assert_eq!(check(url), Err("/callback/url".into()), "{url}");
    }
    for url in ["https://example.org/", "http://127.0.0.1:9000/", "http://8.8.8.8/"] {
        assert_eq!(check(url), Ok(()), "{url}");
    }
}
