//! The one thread that writes. Everything that waits goes into one transaction, in the order of the calls.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rusqlite::Connection;

use crate::JournalError;
use crate::commit::Promise;
use crate::error::passes;
use crate::log::Log;
use crate::queue::{Item, Queue};
use crate::space::Space;
use crate::write::{Tables, Write};

/// Owed bytes from which on what cannot be written is given up.
const MOST_OWED: usize = 64 << 20;
/// Until a full disk is looked at again, where nothing else wakes the writer.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) db: Connection,
    pub(crate) queue: Arc<Queue>,
    pub(crate) space: Arc<Space>,
    /// The highest number that a job has.
    pub(crate) last: i64,
    pub(crate) owed: Owed,
    pub(crate) log: Log,
    pub(crate) counts: Arc<Counts>,
}

/// Since the journal was opened.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) writes: AtomicU64,
    pub(crate) commits: AtomicU64,
}

/// Writes of running jobs that a full disk has refused. Their callers were told; they are written, in order and before
/// anything else, once there is room.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    items: VecDeque<(Write, Option<Promise>)>,
    bytes: usize,
}

impl Owed {
    /// With a promise that was not answered yet, where there is one.
    fn keep(&mut self, write: Write, promise: Option<Promise>) {
        let size = write.size();
        // Ends are few, one for each job that runs, and so are those who wait for them.
        if self.bytes.saturating_add(size) > MOST_OWED && !matches!(write, Write::End(_) | Write::Settle) {
            tracing::error!(
                "a write of a running job is given up: the disk is full, and so is what is kept for it"
            );
            return;
        }
        self.bytes += size;
        self.items.push_back((write, promise));
    }

    fn paid(&mut self, answer: Result<(), JournalError>) {
        let Some((write, promise)) = self.items.pop_front() else { return };
        self.bytes -= write.size();
        if let Some(promise) = promise {
            promise.keep(answer);
        }
    }
}

impl Writer {
    pub(crate) fn run(mut self) {
        loop {
            let waits = self.space.is_full() || !self.owed.items.is_empty();
            let taken = self.queue.take(waits.then_some(PATIENCE));
            self.space.measure();
            if self.space.is_full() {
                self.log.give_room(&self.db);
                self.space.measure();
            }
            self.pay();
            if !taken.items.is_empty() {
                self.write(taken.items);
            }
            self.log.look(&self.db);
            if taken.closed {
                break;
            }
        }
        if !self.owed.items.is_empty() {
            tracing::error!(writes = self.owed.items.len(), "closed on a full disk: what was owed is lost");
        }
        self.log.cut_off(&self.db);
    }

    fn pay(&mut self) {
        while let Some((write, _)) = self.owed.items.front() {
            let answer = match alone(&self.db, &mut self.last, self.space.is_full(), write) {
                Err(error) if passes(&error) => return,
                Err(error) => Err(error.into()),
                Ok(answer) => answer,
            };
            if let Err(error) = &answer {
                tracing::error!(%error, "a write that was owed is given up");
            }
            self.owed.paid(answer);
        }
    }

    fn write(&mut self, items: VecDeque<Item>) {
        self.counts.writes.fetch_add(items.len() as u64, Relaxed);
        self.counts.commits.fetch_add(1, Relaxed);
        if self.owed.items.is_empty() {
            match self.together(&items) {
                Ok(answers) => {
                    if items.iter().any(|item| matches!(item.write, Write::Shrink { last: true, .. })) {
                        self.log.cut_off(&self.db);
                    }
                    for (item, answer) in items.into_iter().zip(answers) {
                        item.promise.keep(answer);
                    }
                    return;
                }
                Err(error) => tracing::debug!(%error, writes = items.len(), "written one by one"),
            }
        }
        for item in items {
            self.by_itself(item);
        }
    }

    fn together(&mut self, items: &VecDeque<Item>) -> rusqlite::Result<Vec<Result<(), JournalError>>> {
        let full = self.space.is_full();
        transaction(&self.db, || {
            let mut tables = Tables { db: &self.db, last: &mut self.last, full };
            items.iter().map(|item| tables.apply(&item.write)).collect()
        })
    }

    /// One that fails takes no other with it.
    fn by_itself(&mut self, Item { write, promise }: Item) {
        if !self.owed.items.is_empty() {
            self.behind(write, promise);
            return;
        }
        match alone(&self.db, &mut self.last, self.space.is_full(), &write) {
            Ok(answer) => promise.keep(answer),
            Err(error) => {
                if passes(&error) && write.must_last() {
                    self.owed.keep(write, None);
                }
                promise.keep(Err(error.into()));
            }
        }
    }

    /// A job's writes stay in order, so nothing overtakes what is owed.
    fn behind(&mut self, write: Write, promise: Promise) {
        if matches!(write, Write::Settle) {
            self.owed.keep(write, Some(promise));
            return;
        }
        promise.keep(Err(JournalError::Full));
        if write.must_last() {
            self.owed.keep(write, None);
        }
    }
}

fn alone(
    db: &Connection,
    last: &mut i64,
    full: bool,
    write: &Write,
) -> rusqlite::Result<Result<(), JournalError>> {
    transaction(db, || Tables { db, last, full }.apply(write))
}

fn transaction<T>(db: &Connection, work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    let done = work().and_then(|done| {
        db.prepare_cached("COMMIT")?.execute([])?;
        Ok(done)
    });
    // A full disk may have rolled it back already.
    if done.is_err() && !db.is_autocommit() {
        db.execute_batch("ROLLBACK")?;
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::Commit;

    #[test]
    fn who_waits_for_what_is_owed_is_answered_when_it_is_paid() {
        let mut owed = Owed { bytes: MOST_OWED, ..Owed::default() };
        owed.keep(Write::Forget(Vec::new()), None);
        assert!(owed.items.is_empty(), "given up");
        let (promise, settled) = Commit::pair();
        owed.keep(Write::Settle, Some(promise));
        owed.paid(Ok(()));
        settled.wait().expect("paid");
    }
}
