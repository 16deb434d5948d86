//! One group: its directories in all hierarchies, the way in, and what was used in it.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
    sync::Arc,
};

use model::GroupUsage;
use nix::{errno::Errno, unistd::write};

use super::{
    dir,
    error::CgroupError,
    groups::{Root, Roots},
    usage::{self, Buffer},
};

/// One directory for each root, in the roots' order.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) roots: Arc<Roots>,
    pub(super) dirs: Vec<OwnedFd>,
}

impl Group {
    pub(super) fn new(roots: &Arc<Roots>) -> Self {
        Self { roots: Arc::clone(roots), dirs: Vec::with_capacity(roots.all.len()) }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&Root, BorrowedFd<'_>)> {
        self.roots.all.iter().zip(self.dirs.iter().map(AsFd::as_fd))
    }

    pub(super) fn entry(&self) -> Result<Entry, CgroupError> {
        let mut entry = Entry { into: None, tasks: Vec::with_capacity(self.dirs.len()) };
        for (root, dir) in self.each() {
            let errno = |error: io::Error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            let failed = CgroupError::at("copy the descriptor of", &root.label, "");
            let dir = dir.try_clone_to_owned().map_err(errno).map_err(failed)?;
            if root.unified {
                entry.into = Some(dir);
            } else {
                entry.tasks.push(dir);
            }
        }
        Ok(entry)
    }
}

/// The way into a group, for a process that inherits it.
#[derive(Debug, Default)]
pub struct Entry {
    /// For `CLONE_INTO_CGROUP`; `None` without a v2 tree.
    pub into: Option<OwnedFd>,
    /// The v1 directories, whose `tasks` [`Self::enter`] writes.
    pub tasks: Vec<OwnedFd>,
}

impl Entry {
    /// Moves the calling thread into the v1 groups: the first thing a cloned process does, while it has one thread.
    ///
    /// The process opens `tasks` itself, because the kernel compares the uid that opened the file with the uid of who is
    /// moved; to open it for another, the launcher would have to change its ids there and back, at 75 us a job. And it
    /// is `tasks` and `0`, not `cgroup.procs` or an id: only then no threadgroup lock is taken.
    pub fn enter(&self) -> io::Result<()> {
        for group in &self.tasks {
            write(dir::open_write(group.as_fd(), "tasks")?, b"0")?;
        }
        Ok(())
    }
}

/// The counters of one step, for the sandbox's init, which reads them with the job's uid.
#[derive(Debug)]
pub struct LeafStats(pub(super) Group);

impl LeafStats {
    /// For a process that closes all others.
    pub fn descriptors(&self) -> impl Iterator<Item = RawFd> {
        self.0.dirs.iter().map(AsRawFd::as_raw_fd)
    }

    /// Never fails: what this host does not count is `None`. Allocates nothing.
    pub fn read(&self) -> GroupUsage {
        self.0.usage()
    }
}

impl Group {
    pub(super) fn usage(&self) -> GroupUsage {
        let mut usage = GroupUsage::default();
        let mut buffer = Buffer::new();
        for (root, dir) in self.each() {
            if root.unified {
                usage::read_v2(dir, &root.controllers, &mut buffer, &mut usage);
            } else {
                usage::read_v1(dir, &root.controllers, &mut buffer, &mut usage);
            }
        }
        usage
    }
}
