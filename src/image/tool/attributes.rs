//! Extended attributes that may pass between a layer and a tree: a user's, and nothing that overlayfs reads (`userxattr`), by which
//! a layer could hide or redirect what it has no word for.

use std::os::fd::BorrowedFd;

use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
use rustix::io::Errno;

use super::failure::Failure;

/// Names and values.
pub(crate) type Attributes = Vec<(Vec<u8>, Vec<u8>)>;

const OPAQUE: &[u8] = b"user.overlay.opaque";
/// Of all of one entry together: what xattr(7) allows for one.
pub(crate) const MOST_BYTES: usize = 64 << 10;

pub(crate) fn passes(name: &[u8]) -> bool {
    name.starts_with(b"user.") && !name.starts_with(b"user.overlay.")
}

pub(crate) fn set(fd: BorrowedFd<'_>, attributes: &[(Vec<u8>, Vec<u8>)]) -> Result<(), Failure> {
    for (name, value) in attributes.iter().filter(|(name, _)| passes(name)) {
        match fsetxattr(fd, name.as_slice(), value, XattrFlags::empty()) {
            // A filesystem that keeps none, or not so much beside one inode: the file is whole without.
            Err(Errno::OPNOTSUPP | Errno::NOSPC | Errno::TOOBIG | Errno::RANGE | Errno::INVAL) => (),
            result => result?,
        }
    }
    Ok(())
}

/// In the order of their names; as many as fit.
pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Attributes, Failure> {
    let mut list = vec![0; MOST_BYTES];
    let length = match flistxattr(fd, &mut list) {
        Err(Errno::OPNOTSUPP) => 0,
        length => length?,
    };
    let mut names: Vec<&[u8]> = list[..length].split(|byte| *byte == 0).filter(|name| passes(name)).collect();
    names.sort_unstable();
    let mut found = Vec::new();
    let (mut room, mut value) = (MOST_BYTES, Vec::new());
    for name in names {
        value.resize(MOST_BYTES, 0);
        match fgetxattr(fd, name, value.as_mut_slice()) {
            Ok(length) if name.len() + length <= room => {
                room -= name.len() + length;
                found.push((name.to_vec(), value[..length].to_vec()));
            }
            // Removed since, or too large.
            Ok(_) | Err(Errno::NODATA | Errno::RANGE) => (),
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(found)
}

/// Nothing of the layers below is seen in this directory.
pub(crate) fn set_opaque(folder: BorrowedFd<'_>) -> Result<(), Failure> {
    Ok(fsetxattr(folder, OPAQUE, b"y", XattrFlags::empty())?)
}

pub(crate) fn is_opaque(folder: BorrowedFd<'_>) -> bool {
    let mut value = [0; 1];
    fgetxattr(folder, OPAQUE, &mut value) == Ok(1) && value == *b"y"
}
