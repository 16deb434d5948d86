//! The accounts that a layer knows: how a named user becomes a number without anything in an image being followed.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat};

use super::super::failure::Failure;
use super::super::{attributes::is_opaque, walk};

const MOST_BYTES: u64 = 256 << 10;

/// `/etc/passwd` and `/etc/group`; empty where the layer hides those of the layers below, or has something else there.
pub(super) fn read(root: BorrowedFd<'_>) -> Result<(Option<String>, Option<String>), Failure> {
    let etc = match walk::folder(root, c"etc") {
        Ok(etc) => etc,
        Err(Errno::ENOENT) if !is_opaque(root) => return Ok((None, None)),
        Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
            return Ok((Some(String::new()), Some(String::new())));
        }
        Err(errno) => return Err(errno.into()),
    };
    Ok((one(etc.as_fd(), c"passwd")?, one(etc.as_fd(), c"group")?))
}

fn one(etc: BorrowedFd<'_>, name: &std::ffi::CStr) -> Result<Option<String>, Failure> {
    let Some(stat) = walk::look(etc, name)? else {
        return Ok(is_opaque(etc).then(String::new));
    };
    if walk::kind(&stat) != SFlag::S_IFREG {
        return Ok(Some(String::new()));
    }
    let Ok(file) = walk::open(etc, name, OFlag::O_RDONLY | OFlag::O_NONBLOCK) else {
        return Ok(Some(String::new()));
    };
    if fstat(&file)?.st_size.cast_unsigned() > MOST_BYTES {
        return Ok(Some(String::new()));
    }
    let mut bytes = Vec::new();
    File::from(file).take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}
