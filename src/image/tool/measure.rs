//! How much of the disk a tree takes.

use std::collections::HashSet;
use std::ffi::CString;
use std::os::fd::BorrowedFd;

use nix::sys::stat::SFlag;

use super::failure::Failure;
use super::{Refusal, walk};

/// Of what has to be remembered: directories to go into, and files with several names. Bounds the memory that a tree made to be
/// endless takes.
const MOST_REMEMBERED: usize = 2 << 20;
/// What opening costs grows with the depth where landlock looks at each directory above.
const MOST_DEPTH: usize = 10_000;
const BLOCK: u64 = 512;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    pub(crate) entries: u64,
}

/// All below `folder`; a file with several names counts once. What comes and goes meanwhile may or may not count.
pub(crate) fn tree(folder: BorrowedFd<'_>) -> Result<Size, Failure> {
    let mut size = Size::default();
    let mut linked = HashSet::new();
    let mut remembered = 0;
    walk::folders_upwards(
        folder,
        |folder, depth| {
            if depth > MOST_DEPTH {
                return Err(Failure::refused(Refusal::TooDeep, "a tree too deep to be measured"));
            }
            let mut inner: Vec<CString> = Vec::new();
            walk::entries(folder, |name, is_folder| {
                let Some(stat) = walk::look(folder, name)? else { return Ok(true) };
                size.entries += 1;
                let several = stat.st_nlink > 1 && walk::kind(&stat) != SFlag::S_IFDIR;
                if !several || linked.insert((stat.st_dev, stat.st_ino)) {
                    size.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * BLOCK;
                }
                if is_folder {
                    inner.push(name.to_owned());
                }
                Ok(remembered + inner.len() + linked.len() <= MOST_REMEMBERED)
            })?;
            remembered += inner.len();
            if remembered + linked.len() > MOST_REMEMBERED {
                return Err(Failure::refused(Refusal::TooManyEntries, "a tree too large to be measured"));
            }
            Ok(inner)
        },
        |_| Ok(()),
    )?;
    Ok(size)
}
