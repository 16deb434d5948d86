use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::statvfs;
use support::Temp;

/// What running jobs may still need: below it new ones are refused (the setting's default is 64 MiB).
pub(crate) const LITTLE: u64 = 24 << 20;

/// A file system of this test's own.
pub(crate) struct Disk {
    folder: Temp,
}

impl Disk {
    pub(crate) fn new(mebibytes: u64) -> Self {
        let folder = Temp::new();
        let size = format!("size={mebibytes}m");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some(size.as_str()))
            .expect("root mounts a tmpfs");
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn free(&self) -> u64 {
        let told = statvfs(self.folder.path()).expect("a file system");
        told.blocks_available() * told.fragment_size()
    }

    fn ballast(&self) -> std::path::PathBuf {
        self.folder.path().join("ballast")
    }

    /// Until so much is left; zero is until nothing more can be written.
    pub(crate) fn fill(&self, left: u64) {
        let mut file = append(&self.ballast());
        let block = vec![1; 64 << 10];
        while self.free() > left {
            let most = usize::try_from(self.free() - left).unwrap_or(usize::MAX).min(block.len());
            if file.write_all(&block[..most]).is_err() {
                return;
            }
        }
    }

    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.ballast()).expect("an own file");
    }
}

fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).expect("an own file")
}

impl Drop for Disk {
    fn drop(&mut self) {
        umount2(self.folder.path(), MntFlags::MNT_DETACH).ok();
    }
}
