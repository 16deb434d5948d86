//! What a job has changed, as a layer: the upper directory of its overlay, and `/workspace` where that is wanted.
//!
//! The tree is as a job has left it, perhaps still alive in a freezer: every name in it is hostile, nothing is followed, and what is
//! opened is looked at again. The same tree makes the same bytes.

mod tarball;

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, SFlag, fstat};
use sandbox::ImageIds;

use super::archive::Time;
use super::failure::Failure;
use super::unpack::Rules;
use super::walk::{self, Levels};
use super::{Refusal, Teller, Told, attributes, names};
use tarball::{Item, Tarball};

/// Of the sandbox, and made anew for every job: `/workspace` comes by its own descriptor.
const NOT_OF_THE_IMAGE: [&[u8]; 8] =
    [b"proc", b"dev", b"sys", b"tmp", b"workspace", b"etc/hosts", b"etc/hostname", b"etc/resolv.conf"];

pub(crate) fn pack(
    upper: &OwnedFd,
    out: OwnedFd,
    workspace: Option<&OwnedFd>,
    user: u32,
    rules: Rules,
    teller: &Teller,
) -> Result<Told, Failure> {
    let tarball = Tarball::new(File::from(out), rules.caps, teller);
    let mut packer = Packer { tarball, rules, user, linked: HashMap::new(), entries: 0, skipped: 0 };
    packer.tree(upper.as_fd(), Side::Upper)?;
    if let Some(workspace) = workspace {
        packer.tree(workspace.as_fd(), Side::Workspace)?;
    }
    let Packer { tarball, entries, skipped, .. } = packer;
    let (blob, diff_id) = tarball.finish()?;
    Ok(Told::Packed { blob, diff_id, entries, skipped })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// Has overlayfs' marks, and the ids of images.
    Upper,
    /// Belongs to the job.
    Workspace,
}

struct Packer<'a> {
    tarball: Tarball<'a>,
    rules: Rules,
    user: u32,
    /// The first name of each file that has several.
    linked: HashMap<(u64, u64), Vec<u8>>,
    entries: u64,
    skipped: u64,
}

/// A directory on the way: the names in it that are left, last one first, and the length of the path before it.
struct Level {
    names: Vec<CString>,
    above: usize,
}

impl Packer<'_> {
    fn tree(&mut self, top: BorrowedFd<'_>, side: Side) -> Result<(), Failure> {
        let mut levels = Levels::new(top)?;
        let mut path = if side == Side::Workspace { b"workspace".to_vec() } else { Vec::new() };
        let mut way = vec![Level { names: self.folder(levels.here(), &path, side)?, above: 0 }];
        while let Some(level) = way.last_mut() {
            let Some(name) = level.names.pop() else {
                path.truncate(level.above);
                way.pop();
                if !way.is_empty() {
                    levels.up()?;
                }
                continue;
            };
            let above = path.len();
            push(&mut path, name.as_bytes());
            if self.entry(&mut levels, &name, &path, side)? {
                way.push(Level { names: self.folder(levels.here(), &path, side)?, above });
            } else {
                path.truncate(above);
            }
        }
        Ok(())
    }

    /// Whether it is a directory, in which `levels` is then.
    fn entry(&mut self, levels: &mut Levels, name: &CStr, path: &[u8], side: Side) -> Result<bool, Failure> {
        if side == Side::Upper && NOT_OF_THE_IMAGE.contains(&path) {
            return Ok(false);
        }
        self.admit(levels, path)?;
        let Some(stat) = walk::look(levels.here(), name)? else { return Ok(false) };
        if names::is_reserved(name.to_bytes()) {
            self.skipped += 1;
            return Ok(false);
        }
        let here = levels.here();
        match walk::kind(&stat) {
            SFlag::S_IFDIR => return self.enter(levels, name),
            SFlag::S_IFREG => self.file(here, name, path, side)?,
            SFlag::S_IFLNK => self.symlink(here, name, path, &stat, side)?,
            SFlag::S_IFCHR if stat.st_rdev == 0 && side == Side::Upper => {
                let end = path.len() - name.to_bytes().len();
                let hidden = [&path[..end], b".wh.", name.to_bytes()].concat();
                self.add(&Item { owner: (0, 0), ..Item::marker(&hidden) })?;
            }
            _ => self.skipped += 1,
        }
        Ok(false)
    }

    /// The bounds that such a layer would have to keep when it is unpacked.
    fn admit(&self, levels: &Levels, path: &[u8]) -> Result<(), Failure> {
        let caps = &self.rules.caps;
        if path.len() >= caps.path_bytes as usize {
            return Err(Failure::refused(Refusal::PathTooLong, format!("a path of {} bytes", path.len())));
        }
        if levels.depth() >= caps.depth as usize {
            return Err(Failure::refused(Refusal::TooDeep, "directories too deep").at(path));
        }
        Ok(())
    }

    fn enter(&mut self, levels: &mut Levels, name: &CStr) -> Result<bool, Failure> {
        match levels.down(name) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP | Errno::EXDEV) => {
                self.skipped += 1;
                Ok(false)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Adds the directory itself; the answer is the names in it.
    fn folder(&mut self, folder: BorrowedFd<'_>, path: &[u8], side: Side) -> Result<Vec<CString>, Failure> {
        let stat = fstat(folder)?;
        let shown = if path.is_empty() { b"./".to_vec() } else { [path, b"/"].concat() };
        let attributes = attributes::of(folder)?;
        self.add(&Item { kind: b'5', attributes: &attributes, ..self.item(&shown, &stat, side) })?;
        if side == Side::Upper && attributes::is_opaque(folder) {
            let mut marker = path.to_vec();
            push(&mut marker, names::OPAQUE);
            self.add(&Item::marker(&marker))?;
        }
        let mut names = Vec::new();
        let most = self.rules.caps.entries.saturating_sub(self.entries);
        walk::entries(folder, |name, _| {
            names.push(name.to_owned());
            Ok(names.len() as u64 <= most)
        })?;
        names.sort_unstable_by(|a, b| b.cmp(a));
        Ok(names)
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr, path: &[u8], side: Side) -> Result<(), Failure> {
        // O_NONBLOCK: what was a file when it was looked at may be a fifo now.
        let file = match walk::open(parent, name, OFlag::O_RDONLY | OFlag::O_NONBLOCK) {
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENXIO) => {
                self.skipped += 1;
                return Ok(());
            }
            opened => opened?,
        };
        let stat = fstat(&file)?;
        if walk::kind(&stat) != SFlag::S_IFREG {
            self.skipped += 1;
            return Ok(());
        }
        let known =
            (stat.st_nlink > 1).then(|| self.linked.get(&(stat.st_dev, stat.st_ino)).cloned()).flatten();
        if let Some(first) = known {
            return self.add(&Item { kind: b'1', link: &first, ..self.item(path, &stat, side) });
        }
        let attributes = attributes::of(file.as_fd())?;
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        self.add(&Item { size, attributes: &attributes, ..self.item(path, &stat, side) })
            .map_err(|failure| failure.at(path))?;
        self.tarball.contents(File::from(file), size)?;
        if stat.st_nlink > 1 {
            self.linked.insert((stat.st_dev, stat.st_ino), path.to_vec());
        }
        Ok(())
    }

    fn symlink(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &CStr,
        path: &[u8],
        stat: &FileStat,
        side: Side,
    ) -> Result<(), Failure> {
        let link = match readlinkat(parent, name) {
            Err(Errno::ENOENT | Errno::EINVAL) => {
                self.skipped += 1;
                return Ok(());
            }
            target => target?.into_vec(),
        };
        self.add(&Item { kind: b'2', link: &link, ..self.item(path, stat, side) })
    }

    fn item<'i>(&self, path: &'i [u8], stat: &FileStat, side: Side) -> Item<'i> {
        Item {
            path,
            owner: self.owner(stat, side, path == b"./"),
            mode: stat.st_mode & 0o7777,
            mtime: Time {
                seconds: stat.st_mtime,
                nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            },
            ..Item::marker(path)
        }
    }

    /// With a single id all files of the upper directory look alike: they are the job's user's, and the root is root's. What is
    /// in `/workspace` belongs to that user in any case.
    fn owner(&self, stat: &FileStat, side: Side, root: bool) -> (u32, u32) {
        let ids = &self.rules.ids;
        match side {
            Side::Upper if ids.count > ImageIds::SINGLE.count => {
                (ids.image_id(stat.st_uid), ids.image_id(stat.st_gid))
            }
            Side::Upper if root => (0, 0),
            Side::Upper | Side::Workspace => (self.user, self.user),
        }
    }

    fn add(&mut self, item: &Item<'_>) -> Result<(), Failure> {
        self.entries += 1;
        if self.entries > self.rules.caps.entries {
            let detail = format!("more than {} entries", self.rules.caps.entries);
            return Err(Failure::refused(Refusal::TooManyEntries, detail));
        }
        self.tarball.header(item)
    }
}

fn push(path: &mut Vec<u8>, name: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name);
}
