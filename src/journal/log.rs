//! The write-ahead log is written back to the file beside the writer, who does not wait for the disk to do so.
//!
//! See <https://sqlite.org/wal.html#ckpt>. Only the writer lets the log begin anew or cuts it off: anybody else would have to
//! lock it out, and it would find out by sleeping.

use std::cell::Cell;
use std::path::Path;
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

/// How long the writer waits for readers where the log must begin anew, and for another program that has locked the file.
const READERS: Duration = Duration::from_millis(100);
const OTHERS: Duration = Duration::from_secs(5);

thread_local! {
    /// In the log after the last commit of this thread. Before the first there may be what an earlier process left.
    static PAGES: Cell<i32> = const { Cell::new(1) };
}

#[derive(Debug)]
pub(crate) struct Log {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Two who write back at one time would only refuse each other.
    one: Arc<Mutex<()>>,
    /// Pages that the log may have until its end is asked for.
    most: i32,
}

impl Log {
    pub(crate) fn of(writer: &Connection, path: &Path) -> Result<Self, JournalError> {
        writer.wal_hook(Some(|_, pages| {
            PAGES.set(pages);
            Ok(())
        }));
        let (db, one) = (schema::open(path)?, Arc::default());
        let ((ask, asked), own) = (sync_channel(1), Arc::clone(&one));
        let work = move || {
            while asked.recv().is_ok() {
                write_back(&own, &db, "PASSIVE");
            }
        };
        let thread = std::thread::Builder::new().name("journal-log".into()).spawn(work);
        let thread = Some(thread.map_err(|e| folder(path, e))?);
        Ok(Self { ask: Some(ask), thread, one, most: TOO_MANY })
    }

    /// To be called by the writer, after its commits.
    pub(crate) fn look(&mut self, writer: &Connection) {
        let pages = PAGES.get();
        if pages < TOO_MANY {
            self.most = TOO_MANY;
        }
        if pages >= self.most {
            // Who reads for longer is not waited for again until the log has grown by as much again.
            self.most = pages + MANY;
            self.begin_anew(writer, "RESTART");
        } else if pages >= MANY
            && let Some(ask) = &self.ask
        {
            // Full: it is at it.
            let _ = ask.try_send(());
        }
    }

    /// Leaves the log without length, so that the files have on disk what they need and no more.
    pub(crate) fn cut_off(&self, writer: &Connection) {
        if let Some(pages) = self.begin_anew(writer, "TRUNCATE") {
            PAGES.set(pages);
        }
    }

    /// Waits for readers: where one is always there, each with an older state than the last commit's, the log would grow
    /// without end. Someone who reads for longer keeps it as it is, until the next time.
    fn begin_anew(&self, writer: &Connection, how: &str) -> Option<i32> {
        let waits = |time| drop(writer.busy_timeout(time));
        waits(READERS);
        let pages = write_back(&self.one, writer, how);
        waits(OTHERS);
        pages
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

/// Pages in the log. One that cannot be written back now grows until it can.
fn write_back(one: &Mutex<()>, db: &Connection, how: &str) -> Option<i32> {
    let _one = one.lock().unwrap_or_else(PoisonError::into_inner);
    let done = db.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| row.get(1));
    done.inspect_err(|error| tracing::debug!(%error, "the log of the journal is written back later")).ok()
}
