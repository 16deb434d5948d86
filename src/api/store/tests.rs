use std::collections::BTreeMap;

use admission::Additions;
use journal::NewJob;
use model::{JobId, Status};

use crate::caller::{Caller, Roles};
use crate::testing::{State, admitted, ended, finished, live};

fn additions(annotation: &str) -> Additions {
    let annotations = BTreeMap::from([(annotation.to_owned(), "1".to_owned())]);
    Additions { labels: BTreeMap::new(), annotations }
}

#[tokio::test]
async fn a_job_of_another_tenant_is_not_there() {
    let state = State::new();
    let live = live();
    state.store.add(live.clone());
    let ended = finished(&state.store, Vec::new());
    let (own, other) = (Caller::anonymous(), Caller { tenant: "other".into(), ..Caller::anonymous() });
    let other = Caller { roles: Roles { submit: true, read: true, admin: false }, ..other };
    for id in [live.id, ended] {
        assert!(state.store.find(id, &own).await.is_ok());
        assert_eq!(state.store.find(id, &other).await.expect_err("hidden").name(), "job_not_found");
    }
    assert!(state.store.find(JobId::new(), &own).await.is_err());
}

#[tokio::test]
async fn notes_reach_a_job_that_has_ended() {
    let state = State::new();
    let id = finished(&state.store, Vec::new());
    let store = state.store.clone();
    let note = move || ["a", "b"].map(|name| store.note(id, additions(name)));
    tokio::task::spawn_blocking(note).await.expect("no panic");
    let job = state.store.journal.job(id).expect("read").expect("there");
    assert_eq!(job.annotations.keys().collect::<Vec<_>>(), ["a", "b"]);
    let events = state.store.journal.events(id, 0, 10).expect("read").expect("there");
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn notes_reach_a_job_that_is_about_to_end() {
    let state = State::new();
    let live = live();
    let admitted = admitted();
    let new = NewJob { spec: admitted.spec(), events: live.first(), idempotency: None };
    state.store.journal.accept(new).await.expect("accepted");
    live.accepted();
    state.store.add(live.clone());
    let note = async |name| {
        let (store, id) = (state.store.clone(), live.id);
        tokio::task::spawn_blocking(move || store.note(id, additions(name))).await.expect("no panic");
    };
    note("before").await;
    let finished = live.finish(ended(Status::Succeeded, Vec::new()), &state.store.journal, None);
    note("while it is written").await;
    finished.commit.await.expect("written");
    live.close(&state.store.journal);
    note("after").await;
    let events = state.store.journal.events(live.id, 0, 10).expect("read").expect("there");
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let job = state.store.journal.job(live.id).expect("read").expect("there");
    let noted: Vec<_> = job.annotations.keys().map(String::as_str).collect();
    assert_eq!((job.status, noted), (Status::Succeeded, vec!["after", "before", "while it is written"]));
}
