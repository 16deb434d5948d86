//! Blobs: who has sent them, who uses them, and when nobody does any more.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::params;

use super::jobs::size;
use super::{Applied, Tables};
use crate::JournalError;
use crate::batch::nanos;

impl Tables<'_> {
    pub(super) fn blob(&self, digest: &str, bytes: u64, at: Timestamp) -> Applied {
        self.run(
            "INSERT INTO blobs VALUES (?1, ?2, ?3)
             ON CONFLICT (digest) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)",
            params![digest, size(bytes), nanos(at)],
        )
    }

    /// One writer looks and writes, so two uploads at one time cannot both take the last room.
    pub(super) fn upload(&self, tenant: &str, digest: &str, bytes: u64, at: Timestamp, most: u64) -> Applied {
        let others: i64 = self
            .first(
                "SELECT coalesce(sum(bytes), 0) FROM uploads WHERE tenant = ?1 AND digest <> ?2",
                params![tenant, digest],
            )?
            .unwrap_or(0);
        if size(bytes).saturating_add(others) > size(most) {
            return Ok(Err(JournalError::BlobQuota { allowed: most }));
        }
        self.run(
            "INSERT INTO uploads VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, digest) DO UPDATE SET used_at = max(used_at, excluded.used_at)",
            params![tenant, digest, size(bytes), nanos(at)],
        )
    }

    /// The first of them that is not there.
    pub(super) fn missing(&self, digests: &BTreeSet<String>) -> rusqlite::Result<Option<String>> {
        for digest in digests {
            if self.first::<i64>("SELECT 1 FROM blobs WHERE digest = ?", [digest])?.is_none() {
                return Ok(Some(digest.clone()));
            }
        }
        Ok(None)
    }

    pub(super) fn uses(&self, job: i64, digest: &str, input: bool) -> rusqlite::Result<()> {
        self.execute("INSERT OR IGNORE INTO uses VALUES (?1, ?2, ?3)", params![job, digest, input])?;
        Ok(())
    }

    /// The job has ended: its inputs are its tenant's uploads again, last used now.
    pub(super) fn release(&self, job: i64) -> rusqlite::Result<()> {
        self.execute(
            "UPDATE uploads SET used_at = max(used_at, ?2)
             WHERE tenant = (SELECT tenant FROM jobs WHERE job = ?1)
               AND digest IN (SELECT digest FROM uses WHERE job = ?1 AND input)",
            params![job, nanos(Timestamp::now())],
        )?;
        self.execute("DELETE FROM uses WHERE job = ? AND input", [job])?;
        Ok(())
    }

    pub(super) fn forget_uploads(&self, unused_since: Timestamp) -> Applied {
        self.run(
            "DELETE FROM uploads WHERE used_at < ?1 AND NOT EXISTS (
                 SELECT 1 FROM uses JOIN jobs USING (job)
                 WHERE uses.digest = uploads.digest AND uses.input AND jobs.tenant = uploads.tenant)",
            [nanos(unused_since)],
        )
    }

    pub(super) fn forget_blobs(&self, digests: &[String], unseen_since: Timestamp) -> Applied {
        for digest in digests {
            self.execute(
                "DELETE FROM blobs WHERE digest = ?1 AND seen_at < ?2
                     AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.digest = ?1)
                     AND NOT EXISTS (SELECT 1 FROM uses WHERE uses.digest = ?1)",
                params![digest, nanos(unseen_since)],
            )?;
        }
        Ok(Ok(()))
    }
}
