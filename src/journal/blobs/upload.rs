use std::io::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::sending::Part;
use super::store::{Hex, Incoming};
use super::{Blob, BlobError, Blobs};
use crate::write::Write;

/// Bytes after which the disk is looked at again.
const LOOK_AGAIN: u64 = 4 << 20;

/// Bytes on their way in. Dropped before it is finished, nothing is left of it.
#[derive(Debug)]
pub struct Upload {
    blobs: Blobs,
    incoming: Incoming,
    part: Part,
    hash: Sha256,
    unlooked: u64,
}

impl Upload {
    pub(super) fn new(blobs: Blobs, incoming: Incoming, part: Part) -> Self {
        Self { blobs, incoming, part, hash: Sha256::new(), unlooked: 0 }
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.part.grow(bytes.len() as u64)?;
        self.unlooked += bytes.len() as u64;
        if self.unlooked >= LOOK_AGAIN {
            self.unlooked = 0;
            if self.blobs.0.space.look() {
                return Err(BlobError::Full);
            }
        }
        self.hash.update(bytes);
        self.incoming.file().write_all(bytes)?;
        Ok(())
    }

    /// So far.
    pub fn bytes(&self) -> u64 {
        self.part.bytes()
    }

    /// Once it is on record. `expected`: the digest that the sender says they have.
    pub fn finish(self, expected: Option<&str>) -> Result<Blob, BlobError> {
        let Self { blobs, incoming, part, hash, .. } = self;
        let hex = Hex::of(&hash.finalize());
        let (digest, bytes) = (hex.digest(), part.bytes());
        if let Some(expected) = expected.filter(|expected| *expected != digest) {
            return Err(BlobError::Mismatch { expected: expected.to_owned(), found: digest });
        }
        let (new, on_record) = blobs.place(incoming, &hex, bytes)?;
        let (tenant, most) = (part.tenant().to_owned(), part.most());
        let upload = Write::Upload { tenant, digest: digest.clone(), bytes, at: Timestamp::now(), most };
        let sent = blobs.0.writes.push(upload);
        on_record.wait()?;
        sent.wait()?;
        Ok(Blob { digest, bytes, new })
    }
}
