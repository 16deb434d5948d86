//! A job's input files, written inside the sandbox by the job's own user before its first program runs.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::OFlag;
use nix::sys::sendfile::sendfile;
use nix::sys::stat::{Mode, fchmod, mkdirat};

use super::mounts;
use crate::protocol::FileEntry;
use crate::step::{At, Step, StepError};

/// `contents` holds the files' bytes one after another.
pub(crate) fn write(
    workspace: &OwnedFd,
    entries: &[FileEntry],
    contents: Option<OwnedFd>,
) -> Result<(), StepError> {
    let Some(contents) = contents else {
        return Err(StepError { step: Step::Files, index: 0, errno: libc::EBADMSG });
    };
    for (i, entry) in entries.iter().enumerate() {
        write_one(workspace.as_fd(), entry, &contents).at(Step::Files, i)?;
    }
    Ok(())
}

fn write_one(workspace: BorrowedFd<'_>, entry: &FileEntry, contents: &OwnedFd) -> io::Result<()> {
    let (folders, name) =
        entry.path.rsplit_once('/').map_or((None, entry.path.as_str()), |(f, n)| (Some(f), n));
    let parent = folders.map(|folders| make_folders(workspace, folders)).transpose()?;
    let parent = parent.as_ref().map_or(workspace, AsFd::as_fd);
    let file =
        mounts::create(parent, &CString::new(name)?, OFlag::O_WRONLY, Mode::from_bits_truncate(0o600))?;
    let mut left = entry.bytes;
    while left > 0 {
        let sent = sendfile(&file, contents, None, usize::try_from(left).unwrap_or(usize::MAX))?;
        if sent == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left = left.saturating_sub(sent as u64);
    }
    // After the contents: the mode may not allow writing.
    Ok(fchmod(&file, Mode::from_bits_truncate(entry.mode))?)
}

/// Below `workspace`, without following a link.
pub(super) fn make_folders(workspace: BorrowedFd<'_>, folders: &str) -> io::Result<OwnedFd> {
    let mut at = workspace.try_clone_to_owned()?;
    for name in folders.split('/') {
        let name = CString::new(name)?;
        match mkdirat(&at, name.as_c_str(), Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(nix::errno::Errno::EEXIST) => (),
            Err(errno) => return Err(errno.into()),
        }
        at = mounts::resolve(at.as_fd(), &name, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    }
    Ok(at)
}
