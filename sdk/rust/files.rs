//! Grant `job-files`: contents of the files that the job brings.

use alloc::vec::Vec;

use crate::host::job_files;
use crate::job::owned;

/// The most that one [`read`] answers.
pub const MAX_READ: u32 = 1 << 20;

/// Files of more bytes together are never looked through by [`may_contain`].
pub const MAX_LOOK: u64 = 64 << 10;

/// Up to `length` bytes from `offset`; empty at the end. None where there is no such file.
pub fn read(path: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
    job_files::read(path, offset, length)
}

/// Whether any of `texts` is in any of the job's files; by the rules and bounds of
/// [`Job::commands_may_contain`](crate::Job::commands_may_contain).
pub fn may_contain(texts: &[&str]) -> bool {
    job_files::may_contain(&owned(texts))
}
