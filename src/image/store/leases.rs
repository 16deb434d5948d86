//! What jobs use: an image by its manifest's digest, a volume by its id.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::{Lock, Mode};
use crate::Error;

/// Held, it keeps an image or a volume. All jobs of a process share one descriptor for each.
#[derive(Clone, Debug)]
pub struct Lease(#[expect(dead_code, reason = "it is held, and let go when the last of them is")] Arc<Lock>);

#[derive(Debug)]
pub(crate) struct Leases {
    folder: PathBuf,
    held: Mutex<HashMap<String, Weak<Lock>>>,
}

impl Leases {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, held: Mutex::default() }
    }

    /// Whether what it is of is still there is to be asked after this.
    pub(crate) fn take(&self, name: &str) -> Result<Lease, Error> {
        let held = || self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = held().get(name).and_then(Weak::upgrade) {
            return Ok(Lease(lock));
        }
        // Not under the lock above: a sweep may have this one for a moment.
        let lock = Arc::new(Lock::take(self.folder.join(name), Mode::Shared)?);
        let mut held = held();
        held.retain(|_, lock| lock.strong_count() > 0);
        let known = held.get(name).and_then(Weak::upgrade);
        let lock = known.unwrap_or_else(|| {
            held.insert(name.to_owned(), Arc::downgrade(&lock));
            lock
        });
        Ok(Lease(lock))
    }

    /// Nobody has it, and nobody gets it until this lock is let go.
    pub(crate) fn bar(&self, name: &str) -> Result<Option<Lock>, Error> {
        Ok(Lock::attempt(self.folder.join(name))?)
    }
}
