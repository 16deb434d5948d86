//! Whoever brings something into the store, for as long as it does.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::{Transaction, params};

use super::{Lock, Mode, Store, locks, new_id};
use crate::Error;

/// Shared by what works on one pull or import. With the last of it go its files in `incoming`, and what it pinned may go.
#[derive(Clone, Debug)]
pub(crate) struct Holder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    id: String,
    lock: Option<Lock>,
    next: AtomicU64,
}

/// A file in `incoming`. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    // Dead holders' files are swept.
    _holder: Holder,
}

impl Store {
    pub(crate) async fn holder(&self) -> Result<Holder, Error> {
        self.blocking(Self::holder_now).await
    }

    pub(crate) fn holder_now(&self) -> Result<Holder, Error> {
        let id = new_id()?;
        let lock = Lock::take(self.lock(&format!("holder-{id}")), Mode::Exclusive)?;
        let (store, next) = (self.clone(), AtomicU64::new(0));
        Ok(Holder(Arc::new(Inner { store, id, lock: Some(lock), next })))
    }

    /// Whether its process lives and still works on it. To be asked while nobody else writes rows.
    pub(super) fn is_alive(&self, holder: &str) -> Result<bool, Error> {
        Ok(locks::is_held(&self.lock(&format!("holder-{holder}")))?)
    }
}

impl Holder {
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(super) fn id(&self) -> &str {
        &self.0.id
    }

    pub(crate) fn pin(&self, change: &Transaction<'_>, what: &str) -> Result<(), Error> {
        let mut pin = change.prepare_cached("INSERT OR IGNORE INTO pins (holder, what) VALUES (?, ?)")?;
        pin.execute(params![self.0.id, what])?;
        Ok(())
    }

    /// A name in `incoming` that nothing has.
    pub(super) fn scratch_path(&self) -> PathBuf {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.store.images().join("incoming").join(format!("{}-{number}", self.0.id))
    }

    /// For a file or a directory of files that this process makes there.
    pub(crate) fn scratch(&self) -> Scratch {
        Scratch { path: self.scratch_path(), _holder: self.clone() }
    }
}

impl Scratch {
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }
}

impl Drop for Scratch {
    /// What stays is swept.
    fn drop(&mut self) {
        if std::fs::remove_file(&self.path).is_err() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Its pins stay until the next sweep; without the lock they count for nothing.
        if let Some(Err(error)) = self.lock.take().map(Lock::remove) {
            tracing::debug!(%error, "a holder's lock stays until the next sweep");
        }
    }
}
