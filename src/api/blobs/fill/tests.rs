use std::sync::Arc;

use model::{HostPolicy, JobRequest, Limits};
use tokio::sync::Semaphore;

use super::*;
use crate::testing::State;

fn checked(request: serde_json::Value) -> (JobSpec, Form) {
    let request: JobRequest = serde_json::from_value(request).expect("a request");
    let profiles = vec!["default".into()];
    let host = HostPolicy { defaults: Limits::defaults(), caps: Limits::defaults(), profiles };
    let form = Form::of(&request);
    (request.check(&host).expect("a valid job"), form)
}

fn uploaded(state: &State, bytes: &[u8]) -> String {
    let mut upload = state.store.journal.blobs().begin("default").expect("an upload");
    upload.write(bytes).expect("written");
    upload.finish(None).expect("stored").digest
}

fn room(bytes: usize) -> OwnedSemaphorePermit {
    Arc::new(Semaphore::new(bytes)).try_acquire_many_owned(0).expect("nothing of it")
}

/// Every place that can name a blob, and others between them.
fn everywhere(blob: impl Fn(usize) -> String) -> serde_json::Value {
    serde_json::json!({
        "files": [{"path": "a", "text": "a"}, {"path": "b", "blob": blob(0)}, {"path": "c", "blob": blob(1)}],
        "steps": [
            {"command": ["true"], "stdin": {"text": "x"}},
            {"command": ["true"], "stdin": {"blob": blob(2)}, "cases": [
                {"stdin": {"blob": blob(3)}, "expect": {"stdout": "x"}},
                {"args": ["x"]},
                {"stdin": {"blob": blob(4)}, "expect": {"stdout_blob": blob(5)}}
            ]},
            {"command": ["true"], "stdin": {"blob": blob(6)}}
        ]
    })
}

const PLACES: [&str; 7] = [
    "/files/1/blob",
    "/files/2/blob",
    "/steps/1/stdin/blob",
    "/steps/1/cases/0/stdin/blob",
    "/steps/1/cases/2/stdin/blob",
    "/steps/1/cases/2/expect/stdout_blob",
    "/steps/2/stdin/blob",
];

#[tokio::test]
async fn every_place_gets_its_bytes() {
    let state = State::new();
    let digests: Vec<_> = (0..7).map(|n| uploaded(&state, format!("blob {n}").as_bytes())).collect();
    let (mut spec, form) = checked(everywhere(|n| digests[n].clone()));
    let mut room = room(1000);
    fill(&mut spec, form, &state.store, "default", &mut room).await.expect("all are there");
    assert_eq!(room.num_permits(), 7 * 6, "each byte takes its room");
    let contents = |spec: &JobSpec| -> Vec<(Option<String>, Vec<u8>)> {
        spec.contents().map(|content| (content.digest().map(str::to_owned), content.to_vec())).collect()
    };
    let all = contents(&spec);
    for (n, digest) in digests.iter().enumerate() {
        assert!(all.contains(&(Some(digest.clone()), format!("blob {n}").into_bytes())), "{n}: {all:?}");
    }
    // As it comes back from the journal.
    let stored = serde_json::to_string(&spec).expect("JSON");
    let mut again: JobSpec = serde_json::from_str(&stored).expect("a spec");
    refill(&mut again, &state.store).await.expect("all are there");
    assert_eq!(contents(&again), all);
}

#[test]
fn places_are_in_the_order_of_the_contents() {
    let (mut spec, form) = checked(everywhere(|n| format!("sha256:{n:064}")));
    let all = named(&spec, form);
    assert_eq!(all.iter().map(|named| named.pointer.as_str()).collect::<Vec<_>>(), PLACES);
    let order: Vec<_> =
        spec.contents_mut().filter_map(|content| content.digest().map(str::to_owned)).collect();
    assert_eq!(all.iter().map(|named| named.digest.clone()).collect::<Vec<_>>(), order);
    let (short, form) =
        checked(serde_json::json!({"command": ["cat"], "stdin": {"blob": format!("sha256:{:064}", 1)}}));
    assert_eq!(named(&short, form)[0].pointer, "/stdin/blob");
}

#[test]
fn unknown_ones_are_named_together() {
    let state = State::new();
    let known = uploaded(&state, b"known");
    let blob = |n: usize| if n == 3 { known.clone() } else { format!("sha256:{n:064}") };
    let (spec, form) = checked(everywhere(blob));
    let look = |tenant| look(state.store.journal.blobs(), &named(&spec, form), tenant).expect("a look");
    let pointers =
        |errors: Vec<FieldError>| errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>();
    let but_known: Vec<_> = PLACES.into_iter().filter(|place| *place != PLACES[3]).collect();
    assert_eq!(pointers(look(Some("default")).expect_err("six are unknown")), but_known);
    assert_eq!(pointers(look(Some("other")).expect_err("another's is not there")), PLACES);
    assert_eq!(pointers(look(None).expect_err("six are unknown")), but_known);
}

#[tokio::test]
async fn no_more_than_there_is_room_for() {
    let state = State::new();
    let digest = uploaded(&state, &[b'x'; 100]);
    let job = serde_json::json!({"steps": [
        {"command": ["cat"], "stdin": {"blob": digest}}, {"command": ["cat"], "stdin": {"blob": digest}}
    ]});
    let (mut spec, form) = checked(job);
    let mut small = room(199);
    let refused = fill(&mut spec, form, &state.store, "default", &mut small).await.expect_err("twice 100");
    assert_eq!((refused.name(), small.num_permits()), ("queue_full", 0));
    let mut enough = room(200);
    fill(&mut spec, form, &state.store, "default", &mut enough).await.expect("there is room");
    assert_eq!(enough.num_permits(), 200);
}

#[tokio::test]
async fn files_fit_onto_the_disk() {
    let state = State::new();
    let digest = uploaded(&state, &vec![b'x'; 60 << 10]);
    let file = |path: &str| serde_json::json!({"path": path, "blob": digest});
    let job = |files: &[serde_json::Value]| {
        serde_json::json!({
            "command": ["true"], "files": files, "limits": {"disk_bytes": 64 << 10}
        })
    };
    let (mut fits, form) = checked(job(&[file("a")]));
    fill(&mut fits, form, &state.store, "default", &mut room(1 << 20)).await.expect("60 of 64 KiB");
    let (mut spec, form) = checked(job(&[file("a"), file("b")]));
    let refused =
        fill(&mut spec, form, &state.store, "default", &mut room(1 << 20)).await.expect_err("120 KiB");
    assert_eq!(refused.name(), "invalid_job");
}
