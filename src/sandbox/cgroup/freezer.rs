//! The switch that stops and continues all processes of a group.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::write;
use serde::{Deserialize, Serialize};

use super::error::CgroupError;
use super::find::Controller;
use super::group::Group;
use super::{dir, groups::Root};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    Running,
    Frozen,
}

/// Which words its file takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FreezerVersion {
    /// `cgroup.freeze`: a frozen process can be killed.
    V2,
    /// `freezer.state`: a frozen process dies when it is thawed.
    V1,
}

/// Open for writing. The kernel freezes in its own time, after the call.
#[derive(Debug)]
pub struct Freezer {
    file: OwnedFd,
    version: FreezerVersion,
}

impl Freezer {
    /// As it was handed over by a process that opened it.
    pub fn new(file: OwnedFd, version: FreezerVersion) -> Self {
        Self { file, version }
    }

    pub fn version(&self) -> FreezerVersion {
        self.version
    }

    pub fn set(&self, state: RunState) -> io::Result<()> {
        let word = match (self.version, state) {
            (FreezerVersion::V2, RunState::Running) => "0",
            (FreezerVersion::V2, RunState::Frozen) => "1",
            (FreezerVersion::V1, RunState::Running) => "THAWED",
            (FreezerVersion::V1, RunState::Frozen) => "FROZEN",
        };
        write(&self.file, word.as_bytes())?;
        Ok(())
    }
}

impl AsFd for Freezer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// `None` on a host that has neither.
pub(super) fn open(group: &Group) -> Result<Option<Freezer>, CgroupError> {
    let unified = group.each().find(|(root, _)| root.unified);
    let v1 = || group.each().find(|(root, _)| root.controllers.contains(&Controller::Freezer));
    let Some((Root { unified, label, .. }, dir)) = unified.or_else(v1) else { return Ok(None) };
    let (file, version) =
        if *unified { ("cgroup.freeze", FreezerVersion::V2) } else { ("freezer.state", FreezerVersion::V1) };
    match dir::open_write(dir, file) {
        // Before kernel 5.2.
        Err(Errno::ENOENT) => Ok(None),
        file_opened => {
            let file = file_opened.map_err(CgroupError::at("open", label, file))?;
            Ok(Some(Freezer { file, version }))
        }
    }
}
