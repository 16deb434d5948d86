//! Finding the directory that an entry goes into, and making it where it is missing.
//!
//! Symlinks that the same layer has made are followed, always within the root: `lib -> usr/lib` and then `lib/x` is how several
//! builders write merged trees. One of a layer below is not seen here, so that `lib/x` alone makes a directory that takes the
//! link's place; containerd does the same where it unpacks for overlayfs.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2, readlinkat};
use nix::sys::stat::SFlag;

use super::super::failure::Failure;
use super::super::{Refusal, walk};
use super::Tree;

/// As in the kernel (path_resolution(7)).
const MOST_LINKS: u32 = 40;
const MOST_TRIES: u32 = 1000;

impl Tree {
    /// The directory at `folders`, with those that are missing on the way.
    pub(crate) fn parent(&mut self, folders: &[CString]) -> Result<Rc<OwnedFd>, Failure> {
        let path = joined(folders);
        if let Some((last, fd)) = &self.last
            && *last == path
        {
            return Ok(Rc::clone(fd));
        }
        let fd = Rc::new(match self.find(folders) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EAGAIN) => self.make(folders)?,
            found => found?,
        });
        self.last = Some((path, Rc::clone(&fd)));
        Ok(fd)
    }

    /// The directory at `folders`, where all of it is there.
    pub(crate) fn find(&self, folders: &[CString]) -> Result<OwnedFd, Errno> {
        let path = joined(folders);
        let how = OpenHow::new().flags(OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC).resolve(
            ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS | ResolveFlag::RESOLVE_NO_XDEV,
        );
        let mut tries = 0;
        loop {
            // EAGAIN: something was renamed on this host while the kernel followed a `..` (openat2(2)).
            match openat2(&self.root, path.as_slice(), how) {
                Err(Errno::EAGAIN) if tries < MOST_TRIES => tries += 1,
                result => return result,
            }
        }
    }

    /// Goes name by name and makes what is missing, also where a link leads.
    fn make(&mut self, folders: &[CString]) -> Result<OwnedFd, Failure> {
        let mut todo: Vec<CString> = folders.iter().rev().cloned().collect();
        let mut way: Vec<Rc<OwnedFd>> = vec![Rc::new(walk::folder(self.root(), c".")?)];
        let mut links = 0;
        while let Some(name) = todo.pop() {
            if name.as_c_str() == c".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let here = Rc::clone(way.last().expect("the root stays"));
            match walk::look(here.as_fd(), &name)?.map(|stat| walk::kind(&stat)) {
                Some(SFlag::S_IFLNK) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Failure::malformed("symlinks that lead in circles"));
                    }
                    if follow(&here, &name, &mut todo)? {
                        way.truncate(1);
                    }
                }
                // A whiteout gives way to a directory.
                None | Some(SFlag::S_IFDIR | SFlag::S_IFCHR) => {
                    if way.len() > self.most_depth {
                        return Err(Failure::refused(Refusal::TooDeep, "directories too deep"));
                    }
                    way.push(Rc::new(self.folder(here.as_fd(), &name)?));
                }
                Some(_) => return Err(Failure::malformed("an entry below what is no directory")),
            }
        }
        Ok(walk::folder(way.last().expect("the root stays").as_fd(), c".")?)
    }
}

/// Puts the target's names before those that are left; whether it begins at the root.
fn follow(parent: &OwnedFd, name: &CStr, todo: &mut Vec<CString>) -> Result<bool, Failure> {
    let target = readlinkat(parent, name)?.into_vec();
    for part in target.rsplit(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b".")) {
        todo.push(CString::new(part).map_err(|_| Failure::malformed("a symlink with a NUL byte"))?);
    }
    Ok(target.starts_with(b"/"))
}

fn joined(folders: &[CString]) -> Vec<u8> {
    if folders.is_empty() {
        return b".".to_vec();
    }
    folders.iter().map(CString::as_bytes).collect::<Vec<_>>().join(&b'/')
}
