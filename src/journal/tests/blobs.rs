//! Uploads, what may be seen of them, and when they go.

use std::io::Read;
use std::time::Duration;

use jiff::ToSpan;

use super::*;
use crate::{Blob, BlobError};

const HELLO: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

fn upload(journal: &Journal, tenant: &str, bytes: &[u8]) -> Result<Blob, BlobError> {
    let mut upload = journal.blobs().begin(tenant)?;
    for piece in bytes.chunks(3) {
        upload.write(piece)?;
    }
    upload.finish(None)
}

fn artifact(blob: &Blob) -> Artifact {
    Artifact { path: "out".into(), bytes: blob.bytes, digest: blob.digest.clone() }
}

fn there(journal: &Journal, digest: &str) -> bool {
    journal.blobs().open(digest).expect("readable").is_some()
}

fn on_record(journal: &Journal, digest: &str) -> bool {
    let row = journal
        .readers()
        .read(|db| Ok(db.prepare("SELECT 1 FROM blobs WHERE digest = ?")?.exists([digest])?));
    row.expect("readable")
}

#[test]
fn what_was_sent_is_read_back() {
    let folder = Folder::new();
    let journal = folder.open();
    let blobs = journal.blobs();
    let sent = upload(&journal, "acme", b"hello").expect("sent");
    assert_eq!(sent, Blob { digest: HELLO.into(), bytes: 5, new: true });
    assert!(!upload(&journal, "acme", b"hello").expect("sent").new);
    assert_eq!(blobs.read(HELLO, 5).expect("read"), b"hello");
    let (mut file, length) = blobs.open(HELLO).expect("open").expect("there");
    let mut text = String::new();
    file.read_to_string(&mut text).expect("read");
    assert_eq!((text.as_str(), length), ("hello", 5));
    assert!(matches!(blobs.read(HELLO, 4), Err(BlobError::TooLarge { bytes: 5, .. })));
    assert_eq!(upload(&journal, "acme", b"").expect("sent").bytes, 0);
    assert_eq!(journal.usage("acme").expect("read").blob_bytes, 5);
}

#[test]
fn a_digest_that_does_not_match_leaves_nothing() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut sending = journal.blobs().begin("acme").expect("begun");
    sending.write(b"hallo").expect("written");
    let refused = sending.finish(Some(HELLO));
    assert!(
        matches!(&refused, Err(BlobError::Mismatch { expected, .. }) if expected == HELLO),
        "{refused:?}"
    );
    let mut sending = journal.blobs().begin("acme").expect("begun");
    sending.write(b"given up").expect("written");
    drop(sending);
    assert!(!there(&journal, HELLO));
    let left = std::fs::read_dir(folder.path().join("blobs/incoming")).expect("a folder").count();
    assert_eq!((left, journal.usage("acme").expect("read").blob_bytes), (0, 0));
    let mut sending = journal.blobs().begin("acme").expect("begun");
    sending.write(b"hello").expect("written");
    sending.finish(Some(HELLO)).expect("as expected");
}

#[test]
fn names_that_are_no_digests_are_refused() {
    let folder = Folder::new();
    let journal = folder.open();
    for name in [
        "",
        "sha256:",
        "sha256:../../../../etc/passwd",
        &HELLO.to_uppercase(),
        &HELLO[7..],
        &format!("{HELLO}0"),
    ] {
        assert!(matches!(journal.blobs().open(name), Err(BlobError::NotADigest(_))), "{name}");
    }
    assert!(matches!(journal.blobs().read(HELLO, 10), Err(BlobError::Unknown(_))));
}

#[test]
fn a_damaged_blob_is_not_handed_out_whole() {
    let folder = Folder::new();
    let journal = folder.open();
    upload(&journal, "acme", b"hello").expect("sent");
    let file = folder.path().join("blobs/sha256").join(&HELLO[7..9]).join(&HELLO[7..]);
    std::fs::write(&file, b"hallo").expect("damaged");
    assert!(matches!(journal.blobs().read(HELLO, 10), Err(BlobError::Damaged(_))));
    // Cut short by a power loss, it is replaced by whoever sends it again.
    std::fs::write(&file, b"").expect("damaged");
    upload(&journal, "acme", b"hello").expect("sent");
    assert_eq!(journal.blobs().read(HELLO, 10).expect("read"), b"hello");
}

#[test]
fn a_tenant_sees_its_own_and_what_its_jobs_made() {
    let folder = Folder::new();
    let journal = folder.open();
    let sees = |tenant: &str, digest: &str| journal.blobs().visible_to(tenant, digest).expect("read");
    upload(&journal, "acme", b"hello").expect("sent");
    assert!(sees("acme", HELLO) && !sees("other", HELLO));
    let made = journal.blobs().put(b"made").expect("stored");
    assert!(!sees("other", &made.digest));
    Run::accepted(&journal, "other").end(Status::Succeeded, vec![artifact(&made)]);
    assert!(sees("other", &made.digest) && !sees("acme", &made.digest));
}

#[test]
fn a_quota_holds_however_the_bytes_come() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.max_blob_bytes = 10;
    options
        .retention
        .per_tenant
        .insert("big".into(), crate::TenantRetention { max_blob_bytes: Some(100), ..Default::default() });
    let journal = Journal::open(options).expect("a journal").0;
    let refused = upload(&journal, "acme", &[1; 11]);
    assert!(matches!(refused, Err(BlobError::Quota { allowed: 10 })), "{refused:?}");
    upload(&journal, "big", &[1; 11]).expect("its own quota");
    upload(&journal, "acme", &[2; 6]).expect("fits");
    upload(&journal, "acme", &[2; 6]).expect_err("counts while it is sent");
    let (mut one, mut two) =
        (journal.blobs().begin("acme").expect("begun"), journal.blobs().begin("acme").expect("begun"));
    one.write(&[3; 3]).expect("fits");
    two.write(&[4; 2]).expect_err("both together do not");
    drop(one);
    two.write(&[4; 2]).expect("fits alone");
    two.finish(None).expect("finished");
    assert_eq!(journal.usage("acme").expect("read").blob_bytes, 8);
}

#[test]
fn a_blob_goes_when_nothing_refers_to_it_any_more() {
    let folder = Folder::new();
    let journal = folder.open();
    let unused = upload(&journal, "acme", b"unused").expect("sent").digest;
    let input = upload(&journal, "acme", b"input").expect("sent").digest;
    let made = journal.blobs().put(b"made").expect("stored");
    let lost = journal.blobs().put(b"lost").expect("stored").digest;
    let run = Run::new(&journal, "acme", &[], Timestamp::now());
    let id = run.id;
    run.accept(&spec_of_blobs(&[&input])).expect("taken in");
    let mut other = Run::accepted(&journal, "acme");
    let last = other.last(Status::Succeeded, vec![artifact(&made)]);
    let job = Job::from_events(other.events.clone()).expect("whole");
    journal.end(other.id, last, &job, None).wait().expect("ended");

    let held =
        |journal: &Journal| [&unused, &input, &made.digest, &lost].map(|digest| there(journal, digest));
    journal.sweep(Timestamp::now()).expect("swept");
    assert_eq!(held(&journal), [true; 4], "within the grace");
    let later = Timestamp::now() + 2.hours();
    assert_eq!(journal.sweep(later).expect("swept").blobs, 2);
    assert_eq!(held(&journal), [false, true, true, false]);
    run.end(Status::Succeeded, Vec::new());
    journal.delete(other.id).wait().expect("deleted");
    journal.sweep(Timestamp::now()).expect("swept");
    assert_eq!(held(&journal), [false, true, true, false], "the grace begins with the last use");
    let swept = journal.sweep(Timestamp::now() + 2.hours()).expect("swept");
    assert_eq!((swept.blobs, swept.bytes), (2, 9));
    assert_eq!(held(&journal), [false; 4]);
    assert!(journal.job(id).expect("read").is_some());
    assert_eq!(journal.usage("acme").expect("read").blob_bytes, 0);
}

#[test]
fn a_job_is_not_taken_in_with_a_blob_that_went() {
    let folder = Folder::new();
    let journal = folder.open();
    let digest = upload(&journal, "acme", b"hello").expect("sent").digest;
    journal.sweep(Timestamp::now() + 2.hours()).expect("swept");
    let run = Run::new(&journal, "acme", &[], Timestamp::now());
    let refused = run.accept(&spec_of_blobs(&[&digest]));
    assert!(matches!(&refused, Err(JournalError::BlobGone(gone)) if *gone == digest), "{refused:?}");
    assert_eq!(journal.job(run.id).expect("read"), None);
}

#[test]
fn what_a_crash_left_goes_at_the_next_start() {
    let folder = Folder::new();
    let journal = folder.open();
    upload(&journal, "acme", b"hello").expect("sent");
    drop(journal);
    let inside = |name: &str| folder.path().join("blobs").join(name);
    let orphan = format!("sha256/2c/{}", "2c".repeat(32));
    for name in ["incoming/7", &orphan] {
        std::fs::write(inside(name), b"left").expect("written");
    }
    let journal = folder.open();
    assert!(!inside("incoming/7").exists() && !inside(&orphan).exists());
    assert!(there(&journal, HELLO));
}

#[test]
fn one_that_is_sent_while_it_goes_stays() {
    let folder = Folder::new();
    let mut options = folder.options();
    options.retention.blob_grace = Duration::ZERO;
    let journal = Journal::open(options).expect("a journal").0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                journal.sweep(Timestamp::now() - 1.milliseconds()).expect("swept");
            }
        });
        for round in 0..200 {
            let made = journal.blobs().put(b"made").expect("stored");
            let run = Run::accepted(&journal, "acme");
            let id = run.id;
            run.end(Status::Succeeded, vec![artifact(&made)]);
            // A put that is a millisecond old may be swept before its job has ended, but never after. Its file goes after
            // its row.
            if on_record(&journal, &made.digest) {
                assert_eq!(journal.blobs().read(&made.digest, 10).expect("read"), b"made", "round {round}");
            }
            journal.delete(id).wait().expect("deleted");
        }
    });
}
