//! A layer's tree while it is being written, by its root's descriptor.
//!
//! Nobody else writes to it, so what was looked at stays as it was. All directories belong to us with mode 0700 until
//! [`Tree::finish`]: nothing that an archive says about one keeps us out of it.

mod parent;

use std::collections::HashMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, UtimensatFlags, fchmod, fstat, futimens, mkdirat, mknodat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown, fchownat, linkat, symlinkat, syncfs};
use sandbox::ImageIds;

use super::archive::Time;
use super::failure::Failure;
use super::{attributes, remove, walk};

/// What an entry says about whatever it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owned {
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mtime: Time,
}

/// Of directories that no entry describes. No time of day: one layer is one tree, whenever it is unpacked.
const PLAIN: Owned = Owned { mode: 0o755, uid: 0, gid: 0, mtime: Time { seconds: 0, nanoseconds: 0 } };

#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
    ids: ImageIds,
    most_depth: usize,
    /// By inode number. One whose directory was removed is overwritten when the number is used again, or never looked up.
    folders: HashMap<u64, Owned>,
    /// Where the last entry was put: the next one is mostly there, too.
    last: Option<(Vec<u8>, Rc<OwnedFd>)>,
}

impl Tree {
    pub(crate) fn new(folder: &OwnedFd, ids: ImageIds, most_depth: usize) -> Result<Self, Failure> {
        let root = walk::folder(folder.as_fd(), c".")?;
        let mut empty = true;
        walk::entries(root.as_fd(), |_, _| {
            empty = false;
            Ok(false)
        })?;
        if !empty {
            return Err(Errno::ENOTEMPTY.into());
        }
        fchmod(&root, Mode::S_IRWXU)?;
        let folders = HashMap::from([(fstat(&root)?.st_ino, PLAIN)]);
        Ok(Self { root, ids, most_depth, folders, last: None })
    }

    pub(crate) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// A new directory, or the one that is there.
    pub(crate) fn folder(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Failure> {
        let before = walk::look(parent, name)?;
        if before.is_some_and(|stat| walk::is_folder(&stat)) {
            return Ok(walk::folder(parent, name)?);
        }
        if before.is_some() {
            self.clear(parent, name)?;
        }
        mkdirat(parent, name, Mode::S_IRWXU)?;
        let made = walk::folder(parent, name)?;
        self.describe(made.as_fd(), PLAIN)?;
        if before.is_some() {
            // What was there hid a directory of the layers below, so this one does not join it.
            attributes::set_opaque(made.as_fd())?;
        }
        Ok(made)
    }

    /// Takes effect in [`Tree::finish`].
    pub(crate) fn describe(&mut self, folder: BorrowedFd<'_>, owned: Owned) -> Result<(), Errno> {
        self.folders.insert(fstat(folder)?.st_ino, owned);
        Ok(())
    }

    /// A new file, in the place of whatever was there.
    pub(crate) fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Failure> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let beneath = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let how = OpenHow::new().flags(flags).mode(Mode::S_IRUSR | Mode::S_IWUSR).resolve(beneath);
        self.in_place(parent, name, || openat2(parent, name, how))
    }

    pub(crate) fn symlink(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        target: &CStr,
        owned: &Owned,
    ) -> Result<(), Failure> {
        self.in_place(parent, name, || symlinkat(target, parent, name))?;
        let (uid, gid) = self.owner(owned);
        fchownat(parent, name, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW)?;
        let time = time(owned.mtime);
        Ok(utimensat(parent, name, &time, &time, UtimensatFlags::NoFollowSymlink)?)
    }

    /// Both parents were resolved in the root, and neither name is followed.
    pub(crate) fn hard_link(
        &mut self,
        (target_parent, target): (BorrowedFd<'_>, &CStr),
        (parent, name): (BorrowedFd<'_>, &CStr),
    ) -> Result<(), Failure> {
        let found = walk::look(target_parent, target)?
            .ok_or_else(|| Failure::malformed("a hard link to what is not there"))?;
        if !matches!(walk::kind(&found), SFlag::S_IFREG | SFlag::S_IFLNK) {
            return Err(Failure::malformed("a hard link to what is neither a file nor a symlink"));
        }
        let same = |stat: nix::sys::stat::FileStat| stat.st_ino == found.st_ino;
        if walk::look(parent, name)?.is_some_and(same) {
            return Ok(());
        }
        self.in_place(parent, name, || linkat(target_parent, target, parent, name, AtFlags::empty()))
    }

    /// Of a file, after its contents: owner first, since a change of owner takes the setuid bits away. Those mean nothing
    /// here: no mount of a layer honours them, and no job can gain a privilege by them.
    pub(crate) fn settle(&self, fd: BorrowedFd<'_>, owned: &Owned) -> Result<(), Errno> {
        let (uid, gid) = self.owner(owned);
        fchown(fd, Some(uid), Some(gid))?;
        fchmod(fd, Mode::from_bits_truncate(owned.mode))?;
        let time = time(owned.mtime);
        futimens(fd, &time, &time)
    }

    /// Gives directories what was said about them, and the disk everything.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        walk::folders_upwards(
            self.root.as_fd(),
            |folder, _| {
                let mut inner = Vec::new();
                walk::entries(folder, |name, is_folder| {
                    if is_folder {
                        inner.push(name.to_owned());
                    }
                    Ok(true)
                })?;
                Ok::<_, Errno>(inner)
            },
            |folder| {
                let ino = fstat(folder)?.st_ino;
                self.settle(folder, self.folders.get(&ino).unwrap_or(&PLAIN))
            },
        )?;
        Ok(syncfs(&self.root)?)
    }

    fn owner(&self, owned: &Owned) -> (Uid, Gid) {
        (Uid::from_raw(self.ids.owner(owned.uid)), Gid::from_raw(self.ids.owner(owned.gid)))
    }

    /// Makes something where nothing may be; whatever is there goes first.
    fn in_place<T>(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        make: impl Fn() -> Result<T, Errno>,
    ) -> Result<T, Failure> {
        match make() {
            Err(Errno::EEXIST) => {
                self.clear(parent, name)?;
                Ok(make()?)
            }
            other => Ok(other?),
        }
    }

    fn clear(&mut self, parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Failure> {
        // A directory that was found through what goes now may not be there any more.
        self.last = None;
        Ok(remove::entry(parent, name)?)
    }
}

/// Hides `name` of the layers below; what this layer has of that name, it keeps (OCI image-spec, layer.md).
pub(crate) fn whiteout(parent: BorrowedFd<'_>, name: &CStr) -> Result<(), Failure> {
    match walk::look(parent, name)? {
        Some(stat) if walk::is_folder(&stat) => attributes::set_opaque(walk::folder(parent, name)?.as_fd()),
        Some(_) => Ok(()),
        // Device 0:0 needs no capability since Linux 5.8.
        None => Ok(mknodat(parent, name, SFlag::S_IFCHR, Mode::empty(), 0)?),
    }
}

/// Times before 1970 and such as no filesystem has are brought to what it can keep.
fn time(time: Time) -> TimeSpec {
    const LATEST: i64 = 1 << 40;
    if time.seconds < 0 {
        return TimeSpec::new(0, 0);
    }
    TimeSpec::new(time.seconds.min(LATEST), i64::from(time.nanoseconds))
}
