//! Retention.

use std::time::Duration;

use jiff::ToSpan;

use super::*;
use crate::{Idempotency, TenantRetention};

/// A job that printed so much, ended so many minutes ago.
fn ended(journal: &Journal, tenant: &str, minutes: i64, bytes: usize) -> JobId {
    let at = Timestamp::now() - minutes.minutes();
    let mut run = Run::new(journal, tenant, &[], at);
    let id = run.id;
    run.accept(&spec()).expect("taken in");
    run.starts().expect("started");
    run.prints(&"x".repeat(bytes)).expect("printed");
    run.end(Status::Succeeded, Vec::new());
    id
}

fn kept(journal: &Journal, ids: &[JobId]) -> Vec<bool> {
    ids.iter().map(|id| journal.job(*id).expect("read").is_some()).collect()
}

#[test]
fn what_is_too_old_goes() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.max_age = Some(Duration::from_hours(1));
    let own = TenantRetention { max_age: Some(Duration::from_mins(10)), ..TenantRetention::default() };
    options.retention.per_tenant.insert("short".into(), own);
    let journal = Journal::open(options).expect("a journal").0;
    let jobs = [
        ended(&journal, "acme", 61, 10),
        ended(&journal, "acme", 59, 10),
        ended(&journal, "short", 11, 10),
        ended(&journal, "short", 9, 10),
    ];
    let running = Run::new(&journal, "acme", &[], Timestamp::now() - 100.hours());
    running.accept(&spec()).expect("taken in");
    assert_eq!(journal.sweep(Timestamp::now()).expect("swept").jobs, 2);
    assert_eq!(kept(&journal, &jobs), [false, true, false, true]);
    assert!(journal.job(running.id).expect("read").is_some(), "what has not ended is never dropped");
}

#[test]
fn each_tenant_keeps_its_newest_that_fit() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.max_bytes = 250_000;
    let journal = Journal::open(options).expect("a journal").0;
    let large: Vec<_> = (0..5).map(|i| ended(&journal, "acme", 50 - i, 100_000)).collect();
    let other = [ended(&journal, "other", 60, 100_000)];
    assert!(journal.usage("acme").expect("read").bytes > 500_000);
    journal.sweep(Timestamp::now()).expect("swept");
    assert_eq!(kept(&journal, &large), [false, false, false, true, true]);
    assert_eq!(kept(&journal, &other), [true]);
    let stored = journal.usage("acme").expect("read");
    assert!(stored.jobs == 2 && stored.bytes <= 250_000, "{stored:?}");
}

#[test]
fn artifacts_count() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.max_bytes = 150_000;
    let journal = Journal::open(options).expect("a journal").0;
    let mut jobs = Vec::new();
    for fill in 0..2 {
        let made = journal.blobs().put(&vec![fill; 100_000]).expect("stored");
        let run = Run::accepted(&journal, "acme");
        jobs.push(run.id);
        let (bytes, digest) = (made.bytes, made.digest);
        run.end(Status::Succeeded, vec![Artifact { path: "out".into(), bytes, digest }]);
    }
    let swept = journal.sweep(Timestamp::now() + 2.hours()).expect("swept");
    assert_eq!((swept.jobs, swept.blobs, swept.bytes), (1, 1, 100_000));
    assert_eq!(kept(&journal, &jobs), [false, true]);
}

#[test]
fn the_file_shrinks() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.max_bytes = 1_000_000;
    let journal = Journal::open(options.clone()).expect("a journal").0;
    for _ in 0..30 {
        ended(&journal, "acme", 1, 1_000_000);
    }
    let on_disk = |file: &str| std::fs::metadata(folder.path().join(file)).map_or(0, |about| about.len());
    let before = on_disk("journal.sqlite3") + on_disk("journal.sqlite3-wal");
    assert!(before > 30_000_000, "{before}");
    journal.sweep(Timestamp::now()).expect("swept");
    let after = on_disk("journal.sqlite3") + on_disk("journal.sqlite3-wal");
    assert!(after < 12_000_000, "{after} of {before}");
}

#[test]
fn a_key_outlives_its_job_and_a_callback_keeps_it() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.max_age = Some(Duration::ZERO);
    let journal = Journal::open(options).expect("a journal").0;
    let mut run = Run::new(&journal, "acme", &[], Timestamp::now() - 1.hours());
    let idempotency = Some(Idempotency { key: "k".into(), body: [1; 32] });
    let new = NewJob { spec: &spec(), events: run.events.clone(), idempotency };
    journal.accept(new).wait().expect("taken in");
    let (id, (events, job)) = (run.id, run.whole());
    let callback = model::Callback { url: "https://example.org/".into(), secret: vec![7; 24].into() };
    journal.end(id, events, &job, Some(&callback)).wait().expect("ended");
    assert_eq!(journal.sweep(Timestamp::now()).expect("swept").jobs, 0);
    journal.callback_done(id).wait().expect("done");
    assert_eq!(journal.sweep(Timestamp::now()).expect("swept").jobs, 1);
    assert_eq!(journal.idempotent("acme", "k").expect("read"), Some((id, [1; 32])));
    journal.sweep(Timestamp::now() + 25.hours()).expect("swept");
    assert_eq!(journal.idempotent("acme", "k").expect("read"), None);
}
