//! What is taken up, and what is refused.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::Filter;
use crate::Idempotency;

#[test]
fn unfinished_jobs_are_taken_up_in_order() {
    let folder = Folder::new();
    let journal = folder.open();
    let spec = JobSpec { priority: 7, ..spec() };
    let mut begun = Vec::new();
    for i in 0..3 {
        let mut run = Run::new(&journal, "acme", &[], Timestamp::now());
        let idempotency = (i == 1).then(|| Idempotency { key: "k".into(), body: [3; 32] });
        let new = NewJob { spec: &spec, events: run.events.clone(), idempotency };
        journal.accept(new).wait().expect("taken in");
        run.starts().expect("started");
        begun.push((run.id, run.events.clone()));
    }
    Run::accepted(&journal, "acme").end(Status::Succeeded, Vec::new());
    drop(journal);

    let (journal, unfinished) = Journal::open(folder.options()).expect("a journal");
    let taken_up: Vec<_> = unfinished.iter().map(|job| (job.id, job.events.clone())).collect();
    assert_eq!(taken_up, begun);
    assert!(unfinished.iter().all(|job| job.spec.as_ref() == Some(&spec) && job.submitter == "ci"));
    assert_eq!(journal.idempotent("acme", "k").expect("read"), Some((begun[1].0, [3; 32])));
}

#[test]
fn a_second_opener_is_refused() {
    let folder = Folder::new();
    let journal = folder.open();
    let refused = Journal::open(folder.options()).expect_err("in use");
    assert!(matches!(refused, JournalError::InUse(_)), "{refused}");
    drop(journal);
    folder.open();
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = Folder::new();
    drop(folder.open());
    let file = folder.path().join("journal.sqlite3");
    let version = |db: &rusqlite::Connection| db.pragma_query_value(None, "user_version", |row| row.get(0));
    {
        let db = rusqlite::Connection::open(&file).expect("a database");
        assert_eq!(version(&db), Ok(2));
        db.pragma_update(None, "user_version", 99).expect("set");
    }
    let refused = Journal::open(folder.options()).expect_err("newer");
    assert!(matches!(refused, JournalError::Newer { found: 99, known: 2, .. }), "{refused}");
    assert_eq!(version(&rusqlite::Connection::open(&file).expect("a database")), Ok(99));
}

#[test]
fn an_older_schema_is_brought_up_to_date() {
    let folder = Folder::new();
    let journal = folder.open();
    let (waits, mut ends) = (Run::accepted(&journal, "acme").id, Run::accepted(&journal, "acme"));
    let (events, job) = ends.whole();
    journal.end(ends.id, events, &job, None).wait().expect("ended");
    drop(journal);
    let db = rusqlite::Connection::open(folder.path().join("journal.sqlite3")).expect("a database");
    let first =
        "CREATE INDEX jobs_unfinished ON jobs (job) WHERE finished_at IS NULL; PRAGMA user_version = 1";
    db.execute_batch(first).expect("as the first version had it");
    drop(db);
    let (journal, unfinished) = Journal::open(folder.options()).expect("a journal");
    assert_eq!(unfinished.iter().map(|job| job.id).collect::<Vec<_>>(), [waits]);
    let queued = Filter { statuses: vec![Status::Queued], ..Filter::default() };
    let listed = |filter: &Filter| journal.list(filter, None, 10).expect("a list").items;
    assert_eq!(listed(&queued).iter().map(|job| job.id).collect::<Vec<_>>(), [waits]);
    assert_eq!(listed(&Filter::default()).len(), 2);
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    let folder = Folder::new();
    let journal = folder.open();
    for _ in 0..100 {
        Run::accepted(&journal, "acme");
    }
    drop(journal);
    let file = folder.path().join("journal.sqlite3");
    let whole = std::fs::read(&file).expect("a file");
    let mut middle = whole.clone();
    middle[8192..24576].fill(0xA5);
    let damaged = [
        b"not a database at all, but long enough to have a header to look at ".repeat(20),
        middle,
        whole[..whole.len() / 2].to_vec(),
    ];
    for bytes in damaged {
        std::fs::write(&file, &bytes).expect("written");
        let refused = Journal::open(folder.options()).expect_err("damaged");
        assert!(matches!(refused, JournalError::Damaged(_)), "{refused}");
        assert!(std::fs::read(&file).expect("a file") == bytes, "it was changed");
    }
    std::fs::write(&file, whole).expect("written");
    assert_eq!(Journal::open(folder.options()).expect("whole again").1.len(), 100);
}

#[test]
fn a_spec_of_another_version_does_not_keep_the_server_from_starting() {
    let folder = Folder::new();
    let journal = folder.open();
    let id = Run::accepted(&journal, "acme").id;
    drop(journal);
    let db = rusqlite::Connection::open(folder.path().join("journal.sqlite3")).expect("a database");
    db.execute("UPDATE specs SET spec = '{\"image\": \"new\"}'", []).expect("changed");
    drop(db);
    let (_journal, unfinished) = Journal::open(folder.options()).expect("a journal");
    assert_eq!(unfinished.iter().map(|job| (job.id, job.spec.is_none())).collect::<Vec<_>>(), [(id, true)]);
}

#[test]
fn files_are_for_the_owner_alone() {
    let folder = Folder::new();
    let journal = folder.open();
    Run::accepted(&journal, "acme");
    journal.blobs().put(b"contents").expect("stored");
    let mut waiting = vec![folder.path().to_owned()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        let about = std::fs::metadata(&path).expect("there");
        let mode = if about.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(about.permissions().mode() & 0o777, mode, "{}", path.display());
        seen += 1;
        if about.is_dir() {
            waiting.extend(
                std::fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()),
            );
        }
    }
    assert!(seen >= 8, "{seen} files and folders");
}
