//! The write-ahead log is written back to the file beside the writer, who does not wait for the disk to do so.
//!
//! See <https://sqlite.org/wal.html#ckpt>. Only the writer lets the log begin anew or cuts it off: anybody else would have to
//! lock it out, and it would find out by sleeping.

use std::cell::Cell;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::JournalError;
use crate::schema::{self, folder};

/// Pages in the log from which on it is written back: 16 MiB.
const MANY: i32 = 4000;
/// From here on the writer writes back the rest itself, so that the log begins anew: 64 MiB.
const TOO_MANY: i32 = 16_000;

/// How long the writer waits for readers when it cuts the log off, and for another program that has locked the file.
const READERS: Duration = Duration::from_millis(100);
const OTHERS: Duration = Duration::from_secs(5);

thread_local! {
    /// In the log after the last commit of this thread.
    static PAGES: Cell<i32> = const { Cell::new(0) };
}

#[derive(Debug)]
pub(crate) struct Log {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Two who write back at one time would only refuse each other.
    writing_back: Mutex<()>,
    too_long: AtomicBool,
}

impl Log {
    pub(crate) fn of(writer: &Connection, path: &Path) -> Result<Self, JournalError> {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let (db, shared) = (schema::open(path)?, Arc::new(Shared::default()));
        let ((ask, asked), own) = (sync_channel(1), Arc::clone(&shared));
        let work = move || {
            while asked.recv().is_ok() {
                let pages = own.write_back(&db, "PASSIVE");
                own.too_long.store(pages.is_some_and(|pages| pages > TOO_MANY), Ordering::Relaxed);
            }
        };
        let thread = std::thread::Builder::new().name("journal-log".into()).spawn(work);
        let thread = Some(thread.map_err(|e| folder(path, e))?);
        Ok(Self { ask: Some(ask), thread, shared })
    }

    /// To be called by the writer, after its commits.
    pub(crate) fn look(&self, writer: &Connection) {
        if self.shared.too_long.swap(false, Ordering::Relaxed) {
            self.shared.write_back(writer, "PASSIVE");
        } else if PAGES.get() >= MANY
            && let Some(ask) = &self.ask
        {
            // Full: it is at it.
            let _ = ask.try_send(());
        }
    }

    /// Leaves the log without length, so that the files have on disk what they need and no more.
    pub(crate) fn cut_off(&self, writer: &Connection) {
        // Someone who still reads an older state keeps it as it is, until the next time.
        let waits = |time| drop(writer.busy_timeout(time));
        waits(READERS);
        if let Some(pages) = self.shared.write_back(writer, "TRUNCATE") {
            PAGES.set(pages);
        }
        waits(OTHERS);
    }

    /// On a full disk, by the writer: the log keeps its length until something is written, and nothing new may be where its
    /// length is what fills the disk.
    pub(crate) fn give_room(&self, writer: &Connection) {
        if PAGES.get() > 0 {
            self.cut_off(writer);
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        drop(self.ask.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Pages in the log. One that cannot be written back now grows until it can.
    fn write_back(&self, db: &Connection, how: &str) -> Option<i32> {
        let _one = self.writing_back.lock().unwrap_or_else(PoisonError::into_inner);
        let done = db.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get(1));
        done.inspect_err(|error| tracing::debug!(%error, "the log of the journal is written back later")).ok()
    }
}
