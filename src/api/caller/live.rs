//! The tokens in force, and how a changed file takes their place.
//!
//! The file is looked at (one `statx`, a microsecond, no disk) by each request that needs a caller: a new token works at
//! once, a revoked one does not outlive it, and nothing ticks. It is read only where it changed.
//!
//! Invariant: once there were tokens, nobody is let in without one, whatever becomes of the file.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::tokens::{TokenFile, TokenSet, TokensError};

#[derive(Debug)]
pub(super) struct Live {
    path: PathBuf,
    now: ArcSwap<Seen>,
    /// Held by the one thread that reads; never a worker's.
    reading: Mutex<()>,
}

/// A file and what it said.
#[derive(Debug)]
pub(super) struct Seen {
    stamp: Option<Stamp>,
    /// `None` where there is no file and never was one: everybody is let in.
    pub(super) tokens: Option<Arc<TokenSet>>,
}

/// Differs for any two contents that a file had: one that is renamed into place has another inode, one that is written
/// in place has another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    modified: (i64, i64),
    changed: (i64, i64),
    bytes: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        Some(Self {
            file: (found.dev(), found.ino()),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
            bytes: found.size(),
        })
    }
}

impl Live {
    pub(super) fn open(path: PathBuf) -> Result<Self, TokensError> {
        let stamp = Stamp::of(&path);
        let tokens = TokenFile::read(&path)?.map(|file| Arc::new(TokenSet::new(&file)));
        Ok(Self { path, now: ArcSwap::from_pointee(Seen { stamp, tokens }), reading: Mutex::new(()) })
    }

    /// As the file is now.
    pub(super) async fn current(self: &Arc<Self>) -> Arc<Seen> {
        let seen = self.now.load_full();
        if seen.stamp == Stamp::of(&self.path) { seen } else { self.read(false).await }
    }

    /// Whether it changed or not.
    pub(super) async fn reload(self: &Arc<Self>) {
        self.read(true).await;
    }

    pub(super) fn seen(&self) -> Arc<Seen> {
        self.now.load_full()
    }

    async fn read(self: &Arc<Self>, anyway: bool) -> Arc<Seen> {
        let this = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || this.take_over(anyway)).await;
        // Only where the runtime ends.
        read.unwrap_or_else(|_| self.now.load_full())
    }

    fn take_over(&self, anyway: bool) -> Arc<Seen> {
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        // Before it is read: what is written meanwhile shows in the next look.
        let stamp = Stamp::of(&self.path);
        let before = self.now.load_full();
        if before.stamp == stamp && !anyway {
            // Another request was first.
            return before;
        }
        let tokens = self.tokens_after(before.tokens.clone());
        let seen = Arc::new(Seen { stamp, tokens });
        self.now.store(Arc::clone(&seen));
        seen
    }

    fn tokens_after(&self, before: Option<Arc<TokenSet>>) -> Option<Arc<TokenSet>> {
        let file = self.path.display();
        match TokenFile::read(&self.path) {
            Ok(Some(read)) => {
                let set = TokenSet::new(&read);
                tracing::info!(%file, usable = set.usable(Timestamp::now()), "tokens read");
                Some(Arc::new(set))
            }
            Ok(None) if before.is_some() => {
                tracing::warn!(%file, "the tokens are gone, so none is taken; without any the server is to be started again");
                Some(Arc::default())
            }
            Ok(None) => None,
            Err(error) => {
                tracing::error!("tokens not read, those in force stay: {error}");
                // Where there were none in force: whoever wrote the file wants callers to need one.
                before.or_else(|| Some(Arc::default()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
