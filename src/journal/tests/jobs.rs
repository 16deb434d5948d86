//! From being taken in to being deleted.

use model::Callback;

use super::*;
use crate::Idempotency;

#[test]
fn a_job_is_what_its_events_make_it() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::accepted(&journal, "acme");
    let id = run.id;
    assert_eq!(journal.job(id).expect("read").expect("there").status, Status::Queued);
    run.starts().expect("started");
    run.prints("hello\n").expect("printed");
    let job = journal.job(id).expect("read").expect("there");
    assert_eq!((job.status, job.steps[0].stdout.text.as_str()), (Status::Running, "hello\n"));
    let ended = run.end(Status::Succeeded, Vec::new());
    assert_eq!(journal.job(id).expect("read").expect("there"), ended);
    assert_eq!(ended.steps[0].stdout.text, "hello\n");
    assert_eq!(journal.tenant_of(id).expect("read").as_deref(), Some("acme"));
}

#[test]
fn events_are_read_on_from_any_number() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::accepted(&journal, "acme");
    run.starts().expect("started");
    for piece in ["a", "b", "c", "d"] {
        run.prints(piece).expect("printed");
    }
    run.append(vec![Happened::Paused, Happened::Resumed]).expect("written");
    let (id, all) = (run.id, run.events.clone());
    for after in 0..=all.len() {
        for limit in 1..=all.len() {
            let found = journal.events(id, after as u64, limit).expect("read").expect("there");
            assert_eq!(found, all[after..(after + limit).min(all.len())], "after {after}, at most {limit}");
        }
    }
    assert_eq!(journal.events(id, u64::MAX, 1).expect("read").expect("there"), []);
    assert_eq!(journal.events(JobId::new(), 0, 1).expect("read"), None);
}

#[test]
fn a_number_is_not_written_twice() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::accepted(&journal, "acme");
    run.starts().expect("started");
    let twice = run.events[1..].to_vec();
    let refused = journal.append(run.id, twice).wait();
    assert!(matches!(refused, Err(JournalError::Database(_))), "{refused:?}");
    let kept = journal.events(run.id, 0, 100).expect("read").expect("there");
    assert_eq!(kept, run.events);
}

#[test]
fn one_bad_write_takes_no_other_with_it() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut first = Run::accepted(&journal, "acme");
    first.starts().expect("started");
    let twice = first.events[1..].to_vec();
    let mut others: Vec<_> = (0..20).map(|_| Run::new(&journal, "acme", &[], Timestamp::now())).collect();
    let spec = spec();
    let mut commits = Vec::new();
    for run in &mut others {
        commits.push((
            true,
            journal.accept(NewJob { spec: &spec, events: run.events.clone(), idempotency: None }),
        ));
        commits.push((false, journal.append(first.id, &twice)));
    }
    for (good, commit) in commits {
        assert_eq!(commit.wait().is_ok(), good);
    }
    for run in others {
        assert!(journal.job(run.id).expect("read").is_some());
    }
}

#[test]
fn what_policies_note_after_the_end_is_kept() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::new(&journal, "acme", &[("a", "1")], Timestamp::now());
    run.accept(&spec()).expect("taken in");
    let (id, accepted) = (run.id, run.events.clone());
    let (events, job) = run.whole();
    journal.end(id, &events, &job, None).wait().expect("ended");
    let before = journal.usage("acme").expect("read").bytes;
    let one = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
    let labels = one("a", "other").into_iter().chain(one("b", "2")).collect();
    let noted = Happened::Noted { labels, annotations: one("seen", "yes") };
    journal.note(id, Timestamp::now(), noted.clone()).wait().expect("noted");
    let ended = (accepted.len() + events.len()) as u64;
    let after = journal.events(id, ended, 10).expect("read").expect("there");
    assert_eq!(after.iter().map(|event| (event.seq, &event.what)).collect::<Vec<_>>(), [(ended + 1, &noted)]);

    let job = journal.job(id).expect("read").expect("there");
    assert_eq!((job.labels["a"].as_str(), job.labels["b"].as_str()), ("1", "2"));
    let listed = |name: &str, value: &str| {
        let filter = crate::Filter { labels: one(name, value), ..crate::Filter::default() };
        journal.list(&filter, None, 10).expect("read").items
    };
    assert_eq!(listed("b", "2")[0].annotations, one("seen", "yes"));
    assert_eq!(listed("a", "1")[0].labels, job.labels);
    assert_eq!(listed("a", "other"), []);
    assert!(journal.usage("acme").expect("read").bytes > before);

    let running = Run::accepted(&journal, "acme");
    let refused = |id| journal.note(id, Timestamp::now(), noted.clone()).wait();
    assert!(matches!(refused(running.id), Err(JournalError::Unfinished(_))));
    assert!(matches!(refused(JobId::new()), Err(JournalError::Unknown(_))));
}

#[test]
fn a_key_stands_for_one_job() {
    let folder = Folder::new();
    let journal = folder.open();
    let key = |body: u8| Some(Idempotency { key: "k".into(), body: [body; 32] });
    let spec = spec();
    let accept = |run: &Run<'_>, body| {
        let new = NewJob { spec: &spec, events: run.events.clone(), idempotency: key(body) };
        journal.accept(new).wait()
    };
    let first = Run::new(&journal, "acme", &[], Timestamp::now());
    accept(&first, 1).expect("taken in");
    let second = Run::new(&journal, "acme", &[], Timestamp::now());
    let refused = accept(&second, 1);
    assert!(matches!(refused, Err(JournalError::KeyTaken(owner)) if owner == first.id), "{refused:?}");
    assert_eq!(journal.job(second.id).expect("read"), None);
    let other = Run::new(&journal, "other", &[], Timestamp::now());
    accept(&other, 2).expect("another tenant's key is another");

    let found = |tenant: &str| journal.idempotent(tenant, "k").expect("read");
    assert_eq!(found("acme"), Some((first.id, [1; 32])));
    assert_eq!(found("other"), Some((other.id, [2; 32])));
    assert_eq!(found("third"), None);

    let (id, mut first) = (first.id, first);
    let (events, job) = first.whole();
    journal.end(id, events, &job, None).wait().expect("ended");
    journal.delete(id).wait().expect("deleted");
    assert_eq!(found("acme"), None);
    accept(&second, 1).expect("the key is free");
}

#[test]
fn a_key_ends_after_a_day() {
    let folder = Folder::new();
    let journal = folder.open();
    let spec = spec();
    let long_ago = Timestamp::now() - jiff::Span::new().hours(25);
    for at in [long_ago, Timestamp::now()] {
        let run = Run::new(&journal, "acme", &[], at);
        let idempotency = Some(Idempotency { key: "k".into(), body: [1; 32] });
        journal
            .accept(NewJob { spec: &spec, events: run.events.clone(), idempotency })
            .wait()
            .expect("taken in");
        let found = journal.idempotent("acme", "k").expect("read");
        assert_eq!(found, (at != long_ago).then_some((run.id, [1; 32])));
    }
}

#[test]
fn only_what_has_ended_is_deleted_and_nothing_ends_twice() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::accepted(&journal, "acme");
    let id = run.id;
    assert!(matches!(journal.delete(id).wait(), Err(JournalError::Unfinished(refused)) if refused == id));
    let (events, job) = run.whole();
    journal.end(id, &events, &job, None).wait().expect("ended");
    assert!(matches!(journal.end(id, &events, &job, None).wait(), Err(JournalError::Ended(_))));
    journal.delete(id).wait().expect("deleted");
    assert_eq!(journal.job(id).expect("read"), None);
    assert_eq!(journal.usage("acme").expect("read"), crate::Stored::default());
    for unknown in [journal.delete(id), journal.append(id, &events), journal.end(id, &events, &job, None)] {
        assert!(matches!(unknown.wait(), Err(JournalError::Unknown(_))));
    }
}

#[test]
fn a_job_begins_with_being_accepted() {
    let folder = Folder::new();
    let journal = folder.open();
    let spec = spec();
    for events in [Vec::new(), vec![Event { seq: 1, at: Timestamp::now(), what: Happened::Paused }]] {
        let refused = journal.accept(NewJob { spec: &spec, events, idempotency: None }).wait();
        assert!(matches!(refused, Err(JournalError::NotAccepted)));
    }
}

#[test]
fn a_callback_is_due_until_it_is_done() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::accepted(&journal, "acme");
    let (id, (events, job)) = (run.id, run.whole());
    let callback = Callback { url: "https://example.org/".into(), secret: vec![7; 24].into() };
    assert_eq!(journal.next_callback().expect("read"), None);
    journal.end(id, events, &job, Some(&callback)).wait().expect("ended");

    let due_at = journal.next_callback().expect("read").expect("due");
    let hour = jiff::Span::new().hours(1);
    let due = |now| journal.due_callbacks(now, now + hour, 10).expect("read");
    let [first] = &due(due_at)[..] else { panic!("one is due") };
    assert_eq!((first.id, first.attempt, first.secret.as_slice()), (id, 0, &[7; 24][..]));
    let later = due_at + jiff::Span::new().minutes(1);
    journal.callback_again(id, later).wait().expect("put off");
    assert_eq!(due(due_at), []);
    assert_eq!((due(later)[0].attempt, due(later)[0].first_at), (1, first.first_at));
    assert_eq!(due(later - hour), []);
    assert_eq!(due(later - hour - hour).len(), 1, "the clock went back");

    drop(journal);
    let journal = folder.open();
    assert_eq!(journal.next_callback().expect("read"), Some(later));
    journal.callback_done(id).wait().expect("done");
    assert_eq!(journal.next_callback().expect("read"), None);
}

#[test]
fn writes_are_made_in_the_order_of_the_calls_and_though_nobody_waits() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::new(&journal, "acme", &[], Timestamp::now());
    let id = run.id;
    drop(journal.accept(NewJob { spec: &spec(), events: run.events.clone(), idempotency: None }));
    for _ in 0..100 {
        let event = run.next(Happened::Paused);
        drop(journal.append(id, [event]));
    }
    let (events, job) = run.whole();
    drop(journal.end(id, events, &job, None));
    let all = run.events.clone();
    drop(journal);
    let journal = folder.open();
    assert_eq!(journal.events(id, 0, 1000).expect("read").expect("there"), all);
}
