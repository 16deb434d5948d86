//! What is kept no longer: by age, by size, by reference. In small writes, so that jobs are not held up.

use jiff::Timestamp;
use rusqlite::params;

use crate::batch::nanos;
use crate::write::{KEY_HOURS, Write};
use crate::{Journal, JournalError};

/// What goes in one write: whoever else writes waits for it, a few milliseconds at most.
const JOBS_AT_ONCE: i64 = 20;
const BYTES_AT_ONCE: u64 = 4 << 20;
const BLOBS_AT_ONCE: usize = 50;
/// Free pages that stay in the file for what comes next: 4 MiB, or a tenth of the file where that is more.
const SPARE_PAGES: u32 = 1024;
const PAGES_AT_ONCE: u32 = 200;

/// What a sweep has dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub jobs: u64,
    pub blobs: u64,
    /// Of blobs.
    pub bytes: u64,
}

impl Journal {
    /// Blocks, for as long as there is something to drop. To be called now and then, and when the disk is full.
    pub fn sweep(&self, now: Timestamp) -> Result<Swept, JournalError> {
        let mut swept = Swept::default();
        for tenant in self.tenants()? {
            swept.jobs += self.sweep_tenant(&tenant, now)?;
        }
        let before = nanos(now).saturating_sub(KEY_HOURS * 3_600_000_000_000);
        self.writes().push(Write::ForgetKeys { before: crate::batch::time(before) }).wait()?;
        self.sweep_blobs(now, &mut swept)?;
        self.shrink()?;
        Ok(swept)
    }

    fn tenants(&self) -> Result<Vec<String>, JournalError> {
        self.readers().read(|db| {
            let mut finding =
                db.prepare_cached("SELECT DISTINCT tenant FROM jobs WHERE finished_at IS NOT NULL")?;
            let found = finding.query_map([], |row| row.get(0))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Oldest first; a job whose callback is still to be delivered waits for that.
    fn sweep_tenant(&self, tenant: &str, now: Timestamp) -> Result<u64, JournalError> {
        let age = self.retention().max_age(tenant).and_then(|age| i64::try_from(age.as_nanos()).ok());
        let too_old = age.map_or(i64::MIN, |age| nanos(now).saturating_sub(age));
        let mut over = self.usage(tenant)?.bytes.saturating_sub(self.retention().max_bytes(tenant));
        let mut dropped = 0;
        loop {
            let (mut going, mut freed) = (Vec::new(), 0);
            for (job, ended, bytes) in self.oldest(tenant)? {
                if (ended >= too_old && over == 0) || freed >= BYTES_AT_ONCE {
                    break;
                }
                over = over.saturating_sub(bytes);
                freed += bytes;
                going.push(job);
            }
            if going.is_empty() {
                return Ok(dropped);
            }
            dropped += going.len() as u64;
            self.writes().push(Write::Forget(going)).wait()?;
        }
    }

    /// Their numbers, when they ended, and what they take.
    fn oldest(&self, tenant: &str) -> Result<Vec<(i64, i64, u64)>, JournalError> {
        self.readers().read(|db| {
            let mut finding = db.prepare_cached(
                "SELECT job, finished_at, bytes FROM jobs
                 WHERE tenant = ?1 AND finished_at IS NOT NULL AND job NOT IN (SELECT job FROM callbacks)
                 ORDER BY finished_at LIMIT ?2",
            )?;
            let found = finding.query_map(params![tenant, JOBS_AT_ONCE], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()))
            })?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn sweep_blobs(&self, now: Timestamp, swept: &mut Swept) -> Result<(), JournalError> {
        let grace = i64::try_from(self.retention().blob_grace.as_nanos()).unwrap_or(i64::MAX);
        let since = crate::batch::time(nanos(now).saturating_sub(grace));
        self.writes().push(Write::ForgetUploads { unused_since: since }).wait()?;
        for candidates in self.unused_blobs(since)?.chunks(BLOBS_AT_ONCE) {
            let (blobs, bytes) = self.blobs().collect(candidates, since)?;
            swept.blobs += blobs;
            swept.bytes += bytes;
        }
        Ok(())
    }

    fn unused_blobs(&self, since: Timestamp) -> Result<Vec<(String, u64)>, JournalError> {
        self.readers().read(|db| {
            let mut finding = db.prepare_cached(
                "SELECT digest, bytes FROM blobs WHERE seen_at < ?1
                     AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.digest = blobs.digest)
                     AND NOT EXISTS (SELECT 1 FROM uses WHERE uses.digest = blobs.digest)",
            )?;
            let found = finding
                .query_map([nanos(since)], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Gives back what the file does not need.
    fn shrink(&self) -> Result<(), JournalError> {
        let (free, all): (u32, u32) = self.readers().read(|db| {
            let one = |sql: &str| db.query_row(sql, [], |row| row.get(0));
            Ok((one("PRAGMA freelist_count")?, one("PRAGMA page_count")?))
        })?;
        let mut going = free.saturating_sub(SPARE_PAGES.max(all / 10));
        while going > 0 {
            let pages = going.min(PAGES_AT_ONCE);
            going -= pages;
            self.writes().push(Write::Shrink { pages, last: going == 0 }).wait()?;
        }
        Ok(())
    }
}
