use axum::http::HeaderValue;
use jiff::Timestamp;
use journal::NewJob;
use model::{Accepted, Decisions, Event, Happened, HostPolicy, JobRequest, Limits};

use super::*;
use crate::testing::State;

const BODY: [u8; 32] = [7; 32];

fn key(text: &str) -> Key {
    Key(Some(text.to_owned()))
}

fn of(fields: &[&[u8]]) -> Result<Key, IdempotencyError> {
    let mut headers = HeaderMap::new();
    for field in fields {
        headers.append(HEADER, HeaderValue::from_bytes(field).expect("a header's bytes"));
    }
    Key::of(&headers)
}

/// Puts a job on record that was made under this claim.
fn accept(state: &State, claimed: &Claimed) -> JobId {
    let host = HostPolicy {
        defaults: Limits::defaults(),
        caps: Limits::defaults(),
        profiles: vec!["default".into()],
    };
    let request = JobRequest { command: Some(vec!["true".into()]), ..JobRequest::default() };
    let spec = request.check(&host).expect("a valid job");
    let id = JobId::new();
    let accepted = Accepted {
        id,
        tenant: claimed.entry.0.clone(),
        submitter: "anonymous".into(),
        labels: spec.labels.clone(),
        priority: 0,
        policy: Decisions::default(),
        warnings: Vec::new(),
        admit_us: 1,
        traceparent: None,
    };
    let events = vec![Event { seq: 1, at: Timestamp::now(), what: Happened::Accepted(Box::new(accepted)) }];
    let new = NewJob { spec: &spec, events, idempotency: Some(claimed.to_keep()) };
    state.store.journal.accept(new).wait().expect("accepted");
    id
}

async fn claim(
    keys: &InFlight,
    state: &State,
    tenant: &str,
    text: &str,
    body: [u8; 32],
) -> Result<Claim, String> {
    let claimed = keys.claim(key(text), tenant, Some(body), &state.store).await;
    claimed.map_err(|problem| problem.name().to_owned())
}

#[test]
fn keys() {
    assert_eq!(of(&[]), Ok(Key(None)));
    for (field, expected) in [
        (&b"a"[..], "a"),
        (b"\"a\"", "a"),
        (b"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        (b"\"", "\""),
    ] {
        assert_eq!(of(&[field]), Ok(key(expected)), "{field:?}");
    }
    assert_eq!(of(&[&[b'x'; 255]]), Ok(key(&"x".repeat(255))));
    for fields in
        [&[&b""[..]][..], &[b"\"\""], &[&[b'x'; 256]], &[b"a b"], &[b"\xc3\xa9"], &[b"a\t"], &[b"a", b"a"]]
    {
        assert_eq!(of(fields), Err(IdempotencyError::Key), "{fields:?}");
    }
}

#[tokio::test]
async fn the_same_again_is_the_same_job() {
    let (state, keys) = (State::new(), InFlight::default());
    let Ok(Claim::New(Some(first))) = claim(&keys, &state, "default", "k", BODY).await else { panic!("new") };
    assert_eq!(claim(&keys, &state, "default", "k", BODY).await.expect_err("held"), "idempotency_in_flight");
    let id = accept(&state, &first);
    drop(first);
    assert!(
        matches!(claim(&keys, &state, "default", "k", BODY).await, Ok(Claim::Known(known)) if known == id)
    );
    assert_eq!(
        claim(&keys, &state, "default", "k", [8; 32]).await.expect_err("other"),
        "idempotency_key_reused"
    );
    // Of another tenant, or under another key, it is another request.
    for (tenant, text) in [("other", "k"), ("default", "l")] {
        assert!(
            matches!(claim(&keys, &state, tenant, text, BODY).await, Ok(Claim::New(Some(_)))),
            "{tenant} {text}"
        );
    }
}

#[tokio::test]
async fn a_refused_request_leaves_its_key() {
    let (state, keys) = (State::new(), InFlight::default());
    for body in [BODY, [8; 32], BODY] {
        assert!(matches!(claim(&keys, &state, "default", "k", body).await, Ok(Claim::New(Some(_)))));
    }
}

#[tokio::test]
async fn without_a_key() {
    let (state, keys) = (State::new(), InFlight::default());
    for _ in 0..2 {
        let claim = keys.claim(Key(None), "default", None, &state.store).await;
        assert!(matches!(claim, Ok(Claim::New(None))));
    }
}
