//! Bytes by the name of their SHA-256, in files below `blobs/`. One file whoever sent it, and however often.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::params;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::queue::Queue;
use crate::read::Readers;
use crate::space::Space;
use crate::write::Write;
use crate::{Commit, Durability, JournalError, Retention};

mod sending;
mod store;
mod upload;

use sending::Sending;
use store::{Hex, Store};
pub use upload::Upload;

#[derive(Debug, Error)]
pub enum BlobError {
    #[error("no room for uploads: the disk of the journal is nearly full")]
    Full,
    #[error("the uploads of this tenant would take more than {allowed} bytes")]
    Quota { allowed: u64 },
    #[error("the bytes have the digest {found}, not {expected}")]
    Mismatch { expected: String, found: String },
    #[error("not a digest such as `sha256:` with 64 lower-case hexadecimal digits: {0}")]
    NotADigest(String),
    #[error("there is no blob {0}")]
    Unknown(String),
    #[error("blob {digest} has {bytes} bytes, more than {most}")]
    TooLarge { digest: String, bytes: u64, most: u64 },
    #[error("blob {0} is damaged on disk")]
    Damaged(String),
    #[error("the journal cannot say what it has")]
    Journal(#[source] JournalError),
    #[error("the files of the journal cannot be used")]
    Files(#[source] io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Files(error),
        }
    }
}

impl From<JournalError> for BlobError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Full => Self::Full,
            JournalError::BlobQuota { allowed } => Self::Quota { allowed },
            other => Self::Journal(other),
        }
    }
}

/// What is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:…`
    pub digest: String,
    pub bytes: u64,
    /// Whether it was not there before.
    pub new: bool,
}

/// Every method blocks.
#[derive(Clone, Debug)]
pub struct Blobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    writes: Arc<Queue>,
    readers: Arc<Readers>,
    space: Arc<Space>,
    retention: Arc<Retention>,
    sending: Arc<Sending>,
}

impl Blobs {
    /// Nobody else has the folder: what no row speaks of was left by a crash, and goes.
    pub(crate) fn start(
        path: &Path,
        root: &File,
        durability: Durability,
        (writes, readers): (Arc<Queue>, Arc<Readers>),
        (space, retention): (Arc<Space>, Arc<Retention>),
    ) -> Result<Self, JournalError> {
        let failed = |source| crate::schema::folder(&path.join("blobs"), source);
        let store = Store::open(root, durability == Durability::Power).map_err(failed)?;
        let inner = Inner { store, writes, readers, space, retention, sending: Arc::default() };
        inner.readers.read(|db| {
            let mut known = db.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?")?;
            let left = inner.store.list().map_err(failed)?;
            for hex in left {
                if !known.exists([hex.digest()])? {
                    inner.store.remove(&hex).map_err(failed)?;
                }
            }
            Ok(())
        })?;
        Ok(Self(Arc::new(inner)))
    }

    /// Bytes that come piece by piece. The tenant may name them in jobs once they are finished.
    pub fn begin(&self, tenant: &str) -> Result<Upload, BlobError> {
        if self.0.space.look() {
            return Err(BlobError::Full);
        }
        let used = self.0.readers.read(|db| {
            let mut sum =
                db.prepare_cached("SELECT coalesce(sum(bytes), 0) FROM uploads WHERE tenant = ?")?;
            let used: i64 = sum.query_row([tenant], |row| row.get(0))?;
            Ok(used.unsigned_abs())
        })?;
        let place = self.0.sending.of(tenant, used, self.0.retention.max_blob_bytes(tenant));
        Ok(Upload::new(self.clone(), self.0.store.begin()?, place))
    }

    /// What a job made, to be named by its end before [`Retention::blob_grace`] is over. No quota holds it up.
    pub fn put(&self, bytes: &[u8]) -> Result<Blob, BlobError> {
        let hex = Hex::of(&Sha256::digest(bytes));
        let length = bytes.len() as u64;
        if self.seen_again(&hex, length) {
            return Ok(Blob { digest: hex.digest(), bytes: length, new: false });
        }
        let mut incoming = self.0.store.begin()?;
        io::Write::write_all(incoming.file(), bytes)?;
        let (new, _) = self.place(incoming, &hex, length)?;
        Ok(Blob { digest: hex.digest(), bytes: length, new })
    }

    /// Whole, and checked against its digest.
    pub fn read(&self, digest: &str, most: u64) -> Result<Vec<u8>, BlobError> {
        let unknown = || BlobError::Unknown(digest.to_owned());
        let (file, length) = self.open(digest)?.ok_or_else(unknown)?;
        if length > most {
            return Err(BlobError::TooLarge { digest: digest.to_owned(), bytes: length, most });
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.take(length).read_to_end(&mut bytes)?;
        if Hex::of(&Sha256::digest(&bytes)).digest() != digest {
            return Err(BlobError::Damaged(digest.to_owned()));
        }
        Ok(bytes)
    }

    /// For reading, with its length; `None` where there is none. Not checked against its digest.
    pub fn open(&self, digest: &str) -> Result<Option<(File, u64)>, BlobError> {
        Ok(self.0.store.read(&parse(digest)?)?)
    }

    /// A tenant may name what it has sent and what its jobs have made.
    pub fn visible_to(&self, tenant: &str, digest: &str) -> Result<bool, BlobError> {
        let found = self.0.readers.read(|db| {
            let mut finding = db.prepare_cached(
                "SELECT 1 FROM uploads WHERE tenant = ?1 AND digest = ?2
                 UNION ALL
                 SELECT 1 FROM uses JOIN jobs USING (job)
                 WHERE uses.digest = ?2 AND NOT uses.input AND jobs.tenant = ?1
                 LIMIT 1",
            )?;
            Ok(finding.exists(params![tenant, digest])?)
        })?;
        Ok(found)
    }

    /// Removes those of them that nothing refers to and nobody has seen since. The count and bytes of what is gone.
    pub(crate) fn collect(
        &self,
        candidates: &[(String, u64)],
        unseen_since: Timestamp,
    ) -> Result<(u64, u64), BlobError> {
        // Nobody takes a file for there that is about to go.
        let _placing = self.0.store.placing();
        let digests = candidates.iter().map(|(digest, _)| digest.clone()).collect();
        self.0.writes.push(Write::ForgetBlobs { digests, unseen_since }).wait()?;
        let mut gone = (0, 0);
        for (digest, bytes) in candidates {
            let kept = self.0.readers.read(|db| {
                Ok(db.prepare_cached("SELECT 1 FROM blobs WHERE digest = ?")?.exists([digest])?)
            })?;
            if !kept {
                self.0.store.remove(&parse(digest)?)?;
                gone = (gone.0 + 1, gone.1 + bytes);
            }
        }
        Ok(gone)
    }

    fn seen_again(&self, hex: &Hex, bytes: u64) -> bool {
        let _placing = self.0.store.placing();
        let there = self.0.store.holds(hex, bytes);
        if there {
            drop(self.register(hex, bytes));
        }
        there
    }

    /// Whether it is new, and when that is on record.
    fn place(&self, incoming: store::Incoming, hex: &Hex, bytes: u64) -> Result<(bool, Commit), BlobError> {
        incoming.settle()?;
        let _placing = self.0.store.placing();
        let new = !self.0.store.holds(hex, bytes);
        if new {
            self.0.store.place(incoming, hex)?;
        }
        Ok((new, self.register(hex, bytes)))
    }

    /// In the order of what is placed and removed: the caller holds the lock of the store.
    fn register(&self, hex: &Hex, bytes: u64) -> Commit {
        self.0.writes.push(Write::Blob { digest: hex.digest(), bytes, at: Timestamp::now() })
    }
}

fn parse(digest: &str) -> Result<Hex, BlobError> {
    Hex::parse(digest).ok_or_else(|| BlobError::NotADigest(digest.to_owned()))
}
