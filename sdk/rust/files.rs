//! Grant `job-files`: contents of the files that the job brings.

use alloc::vec::Vec;

use crate::host::job_files;

/// The most that one [`read`] answers.
pub const MAX_READ: u32 = 1 << 20;

/// Up to `length` bytes from `offset`; empty at the end. None where there is no such file.
pub fn read(path: &str, offset: u64, length: u32) -> Option<Vec<u8>> {
    job_files::read(path, offset, length)
}
