//! Durable jobs.
//!
//! ```text
//! STATE/journal.lock          flock(2): one process at a time
//! STATE/journal.sqlite3       jobs and their events; -wal and -shm beside it while open
//! STATE/blobs/incoming/       what is being sent; emptied at every start
//! STATE/blobs/sha256/ab/…     whole blobs, by their digest
//! ```
//!
//! **Events are the truth.** `events` is append-only; everything else in the database follows from it or serves to find
//! it: `jobs` and `labels` for lists, `summaries` for what lists show, `specs` for what an unfinished job is to run,
//! `keys` for idempotency, `callbacks` for what is to be delivered, `blobs`, `uploads` and `uses` for which file
//! is whose. The columns are described in `schema/1.sql`.
//!
//! **Invariants.**
//! - One thread writes. Writes never block their caller and are committed in the order of the calls; all that wait go
//!   into one transaction. An answer ([`Commit`]) comes after the commit, never before. Reads see what is committed.
//! - What a write does to several tables, it does at one instant. A job has ended with its last event, its summary, its
//!   artifacts and its callback, or with none of them.
//! - A blob's file is there as long as an upload or a job refers to it, and for a while after. Files are opened by
//!   descriptor and digest, never by a name that a caller chose.
//! - Less than [`Retention::keep_free_bytes`] left on disk: new jobs and uploads are refused ([`JournalError::Full`]), and
//!   those taken in before are written from that reserve. If even that is used up, their writes are answered with the
//!   error, kept in memory (64 MiB at most), and made in order once there is room.
//! - A schema newer than this version's is refused, and so is a damaged file. Nothing is repaired or thrown away.
//!
//! **What survives.** [`Durability::Process`] (SQLite's `synchronous = NORMAL` with its write-ahead log): every
//! acknowledged write survives the end of the process at any instant, `kill -9` included; a power loss may take the newest
//! commits, and never leaves half of one. [`Durability::Power`] (`synchronous = FULL`): power loss too, for an
//! fsync(2) per group of commits. See <https://sqlite.org/pragma.html#pragma_synchronous>.

mod batch;
mod blobs;
mod commit;
mod error;
mod journal;
mod log;
mod options;
mod queue;
mod read;
mod recover;
mod schema;
mod space;
mod sweep;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use blobs::{Blob, BlobError, Blobs, Upload};
pub use commit::Commit;
pub use error::JournalError;
pub use journal::{Idempotency, Journal, NewJob, Written};
pub use options::{Durability, Options, Retention, TenantRetention};
pub use read::{Due, Filter, Page, Stored};
pub use recover::Unfinished;
pub use sweep::Swept;
