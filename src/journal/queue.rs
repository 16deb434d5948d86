//! What waits for the writer, in the order of the calls.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::JournalError;
use crate::commit::{Commit, Promise};
use crate::write::Write;

/// Waiting bytes from which on no job is taken in, and those from which on nothing but ends is.
const MOST_FOR_NEW: usize = 64 << 20;
const MOST: usize = 256 << 20;

#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) write: Write,
    pub(crate) promise: Promise,
}

#[derive(Debug, Default)]
struct Waiting {
    items: VecDeque<Item>,
    bytes: usize,
    closed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

pub(crate) struct Taken {
    pub(crate) items: VecDeque<Item>,
    /// Nothing comes after these.
    pub(crate) closed: bool,
}

impl Queue {
    pub(crate) fn push(&self, write: Write) -> Commit {
        let size = write.size();
        let mut waiting = self.lock();
        let most = match write {
            Write::Accept(_) => MOST_FOR_NEW,
            Write::End(_) => usize::MAX,
            _ => MOST,
        };
        if waiting.closed {
            return Commit::answered(Err(JournalError::Closed));
        }
        if waiting.bytes.saturating_add(size) > most {
            return Commit::answered(Err(JournalError::Overflow));
        }
        let (promise, commit) = Commit::pair();
        waiting.bytes += size;
        waiting.items.push_back(Item { write, promise });
        drop(waiting);
        self.changed.notify_one();
        commit
    }

    /// Everything that waits; with a `patience`, possibly nothing.
    pub(crate) fn take(&self, patience: Option<Duration>) -> Taken {
        let idle = |waiting: &mut Waiting| waiting.items.is_empty() && !waiting.closed;
        let waiting = self.lock();
        let mut waiting = match patience {
            None => self.changed.wait_while(waiting, idle).unwrap_or_else(PoisonError::into_inner),
            Some(time) => {
                self.changed.wait_timeout_while(waiting, time, idle).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        waiting.bytes = 0;
        Taken { items: std::mem::take(&mut waiting.items), closed: waiting.closed }
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
