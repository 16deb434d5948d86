//! A disk without room, and with room again. As root, on a small tmpfs(5) that only the test's own thread sees.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use super::*;
use crate::BlobError;

const DISK: u64 = 32 << 20;
const KEEP_FREE: u64 = 8 << 20;

struct Disk(Folder);

impl Drop for Disk {
    fn drop(&mut self) {
        // The folder below it goes with the test.
        let _ = umount2(self.0.path(), MntFlags::MNT_DETACH);
    }
}

/// Runs the test in a mount namespace of its own, over a folder on a disk of [`DISK`] bytes.
fn on_a_small_disk(test: impl FnOnce(&Folder) + Send + 'static) {
    let folder = Folder::new();
    std::fs::create_dir(folder.path()).expect("a folder");
    let run = move || {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNS) {
            let _ = writeln!(std::io::stderr(), "skipped: a small disk needs root to be mounted ({error})");
            return;
        }
        let nothing = None::<&str>;
        mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).expect("private");
        let size = format!("size={DISK},mode=0700");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some(size.as_str()))
            .expect("a disk");
        let disk = Disk(folder);
        test(&disk.0);
    };
    let done = std::thread::spawn(run).join();
    if let Err(panic) = done {
        std::panic::resume_unwind(panic);
    }
}

/// Takes room until only so much is left.
fn fill(folder: &Folder, left: u64) {
    let mut ballast =
        File::options().create(true).append(true).open(folder.path().join("ballast")).expect("a file");
    let free = || {
        let fs = nix::sys::statvfs::statvfs(folder.path()).expect("figures");
        fs.blocks_available() * fs.fragment_size()
    };
    while free() > left {
        let piece = (free() - left).min(1 << 20);
        if ballast.write_all(&vec![1; usize::try_from(piece).expect("small")]).is_err() {
            break;
        }
    }
}

fn make_room(folder: &Folder) {
    std::fs::remove_file(folder.path().join("ballast")).expect("there");
}

/// Full ends by itself, within a second or so.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn open(folder: &Folder) -> Journal {
    let mut options = folder.options();
    options.retention.keep_free_bytes = KEEP_FREE;
    Journal::open(options).expect("a journal").0
}

#[test]
fn a_disk_that_is_nearly_full_takes_no_new_jobs_and_ends_the_running() {
    on_a_small_disk(|folder| {
        let journal = open(folder);
        let mut run = Run::accepted(&journal, "acme");
        let id = run.id;
        fill(folder, KEEP_FREE / 2);
        let new = Run::new(&journal, "acme", &[], Timestamp::now());
        assert!(matches!(new.accept(&spec()), Err(JournalError::Full)), "found by the write");
        assert!(matches!(journal.room(), Err(JournalError::Full)));
        assert!(matches!(journal.blobs().begin("acme"), Err(BlobError::Full)));
        run.starts().expect("from the reserve");
        run.prints(&"x".repeat(100_000)).expect("from the reserve");
        let made = journal.blobs().put(b"made").expect("from the reserve");
        run.end(Status::Succeeded, vec![Artifact { path: "out".into(), bytes: 4, digest: made.digest }]);
        assert_eq!(journal.job(id).expect("read").expect("there").status, Status::Succeeded);
        make_room(folder);
        until("room", || journal.room().is_ok());
        new.accept(&spec()).expect("taken in");
    });
}

#[test]
fn the_log_does_not_fill_the_disk_by_itself() {
    on_a_small_disk(|folder| {
        let journal = open(folder);
        let mut run = Run::accepted(&journal, "acme");
        run.starts().expect("started");
        run.prints(&"x".repeat(1 << 20)).expect("room");
        let log = folder.path().join("journal.sqlite3-wal");
        let length = || log.metadata().expect("there while it is open").len();
        assert!(length() > 1 << 20, "{}", length());
        fill(folder, KEEP_FREE - 4096);
        let new = Run::new(&journal, "acme", &[], Timestamp::now());
        // Nothing else makes room.
        until("taken in", || new.accept(&spec()).is_ok());
        assert!(length() < 1 << 20, "{}", length());
    });
}

#[test]
fn the_log_of_a_killed_process_does_not_fill_the_disk() {
    on_a_small_disk(|folder| {
        let (mut child, _told) = super::crash::child(folder);
        let log = folder.path().join("journal.sqlite3-wal");
        let length = || log.metadata().map_or(0, |log| log.len());
        until("as long as that", || length() > 1 << 20);
        child.kill().expect("it runs");
        child.wait().expect("killed");
        // Opening removes the uploads that the child had under way: a page each, and that alone must not make room.
        fill(folder, KEEP_FREE - (256 << 10));
        let journal = open(folder);
        let new = Run::new(&journal, "acme", &[], Timestamp::now());
        until("taken in", || new.accept(&spec()).is_ok());
        assert!(length() < 1 << 20, "{}", length());
    });
}

#[test]
fn the_log_ends_though_somebody_always_reads() {
    let folder = Folder::new();
    let journal = folder.open();
    let reads = || {
        journal.readers().read(|db| {
            let jobs: i64 = db.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))?;
            std::thread::sleep(Duration::from_millis(12));
            Ok(jobs)
        })
    };
    let written = std::sync::atomic::AtomicBool::new(false);
    let longest = std::thread::scope(|scope| {
        for late in [0, 4, 8] {
            let (reads, written) = (&reads, &written);
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(late));
                while !written.load(Ordering::Relaxed) {
                    reads().expect("read");
                }
            });
        }
        let mut run = Run::accepted(&journal, "acme");
        run.starts().expect("started");
        let log = folder.path().join("journal.sqlite3-wal");
        let text = "x".repeat(512 << 10);
        let lengths = (0..480).map(|_| {
            run.prints(&text).expect("room");
            log.metadata().expect("there while it is open").len()
        });
        let longest = lengths.max();
        written.store(true, Ordering::Relaxed);
        longest.expect("some")
    });
    assert!(longest > 32 << 20, "nobody was in the way: {longest}");
    // What is written is 240 MiB. On a busy machine a reader may be there for longer than the writer waits.
    assert!(longest < 200 << 20, "{longest}");
}

#[test]
fn an_upload_that_fills_the_disk_ends_and_leaves_nothing() {
    on_a_small_disk(|folder| {
        let journal = open(folder);
        let mut upload = journal.blobs().begin("acme").expect("begun");
        let refused = (0..64).find_map(|_| upload.write(&vec![1; 1 << 20]).err());
        assert!(matches!(refused, Some(BlobError::Full)), "{refused:?}");
        drop(upload);
        // A process that another test starts has the file open for a moment.
        until("taken in", || Run::new(&journal, "acme", &[], Timestamp::now()).accept(&spec()).is_ok());
    });
}

#[test]
fn what_a_full_disk_refused_is_written_when_it_has_room() {
    on_a_small_disk(|folder| {
        let journal = open(folder);
        let mut first = Run::accepted(&journal, "acme");
        let mut second = Run::accepted(&journal, "acme");
        first.starts().expect("started");
        fill(folder, 0);
        let refused = first.prints(&"x".repeat(4 << 20));
        assert!(matches!(refused, Err(JournalError::Full)), "{refused:?}");
        // Behind what is owed, though there would be room for it.
        let refused = second.starts();
        assert!(matches!(refused, Err(JournalError::Full)), "{refused:?}");
        let last = first.last(Status::Succeeded, Vec::new());
        let job = Job::from_events(first.events.clone()).expect("whole");
        let refused = journal.end(first.id, last, &job, None).wait();
        assert!(matches!(refused, Err(JournalError::Full)), "{refused:?}");
        assert_eq!(journal.job(first.id).expect("read").expect("there").status, Status::Running);
        let settled = journal.settled();
        make_room(folder);
        settled.wait().expect("everything is written");
        assert_eq!(journal.job(first.id).expect("read").expect("there"), job);
        assert_eq!(journal.events(second.id, 0, 100).expect("read").map(|events| events.len()), Some(3));
        let (first, second) = ((first.id, first.events.clone()), (second.id, second.events.clone()));
        drop(journal);
        let journal = open(folder);
        for (id, events) in [first, second] {
            assert_eq!(journal.events(id, 0, 100).expect("read").expect("there"), events);
        }
        drop(journal);
        whole(folder);
    });
}
