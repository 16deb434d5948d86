//! Whether the disk has room for new jobs.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::statvfs::fstatvfs;

/// `keep_free` bytes are for what was taken in already.
#[derive(Debug)]
pub(crate) struct Space {
    folder: File,
    keep_free: u64,
    full: AtomicBool,
}

impl Space {
    pub(crate) fn new(folder: File, keep_free: u64) -> Self {
        let space = Self { folder, keep_free, full: AtomicBool::new(false) };
        space.measure();
        space
    }

    /// As the writer saw it last.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// For the writer, who looks again until there is room.
    pub(crate) fn measure(&self) {
        let full = self.look();
        if self.full.swap(full, Ordering::Relaxed) != full {
            if full {
                tracing::warn!("the disk is nearly full: no new jobs are taken in");
            } else {
                tracing::info!("the disk has room again: new jobs are taken in");
            }
        }
    }

    /// Whether it is full now. A file system that does not say has room.
    pub(crate) fn look(&self) -> bool {
        fstatvfs(&self.folder)
            .is_ok_and(|fs| fs.blocks_available().saturating_mul(fs.fragment_size()) < self.keep_free)
    }
}
