//! A layer's blob to a tree.

mod accounts;

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use sandbox::ImageIds;

use super::archive::{Archive, Entry, Kind, Sparse};
use super::failure::Failure;
use super::measure::{self, Size};
use super::names::{self, Meaning, Place};
use super::stream::{Seen, Stream};
use super::tree::{self, Owned, Tree};
use super::{Caps, Compression, Expected, Refusal, Teller, Unpacked, attributes};

const BUFFER: usize = 128 << 10;

/// What the blob was promised to be.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) compression: Compression,
    pub(crate) blob: Option<Expected>,
    pub(crate) diff_id: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) caps: Caps,
    pub(crate) ids: ImageIds,
}

pub(crate) fn unpack(
    blob: OwnedFd,
    folder: &OwnedFd,
    wanted: &Wanted,
    rules: Rules,
    teller: &Teller,
) -> Result<Unpacked, Failure> {
    let caps = rules.caps;
    let stream = Stream::new(File::from(blob), wanted.compression, wanted.blob.as_ref(), caps, teller)?;
    let tree = Tree::new(folder, rules.ids, caps.depth as usize)?;
    let mut writer = Writer {
        archive: Archive::new(stream, caps),
        tree,
        caps,
        skipped: 0,
        holes: 0,
        buffer: vec![0; BUFFER],
    };
    let written = writer.write_all();
    let Writer { archive, tree, skipped, .. } = writer;
    let seen = match written {
        Ok(()) => archive.into_stream().finish()?,
        Err(failure) => return Err(better(failure, archive.into_stream(), wanted)),
    };
    check(&seen, wanted)?;
    let (passwd, group) = accounts::read(tree.root())?;
    let hides_all = attributes::is_opaque(tree.root());
    // Before directories get their modes: without capabilities, some would keep us out.
    let Size { bytes, entries } = measure::tree(tree.root())?;
    tree.finish()?;
    let Seen { blob, diff_id } = seen;
    Ok(Unpacked { blob, diff_id, bytes, entries, skipped, hides_all, passwd, group })
}

/// A blob that was damaged on its way is told as that, not as what the damage did to its inside.
fn better(failure: Failure, stream: Stream<'_>, wanted: &Wanted) -> Failure {
    let Some(expected) = wanted.blob.as_ref().filter(|_| failure.is(Refusal::Malformed)) else {
        return failure;
    };
    match stream.identify() {
        Ok(blob) => check_blob(&blob, expected).err().unwrap_or(failure),
        Err(worse) => worse,
    }
}

fn check(seen: &Seen, wanted: &Wanted) -> Result<(), Failure> {
    wanted.blob.as_ref().map_or(Ok(()), |expected| check_blob(&seen.blob, expected))?;
    match &wanted.diff_id {
        Some(diff_id) if *diff_id != seen.diff_id => {
            let detail = format!("{} is inside, {diff_id} was promised", seen.diff_id);
            Err(Failure::refused(Refusal::DiffId, detail))
        }
        _ => Ok(()),
    }
}

fn check_blob(blob: &Expected, expected: &Expected) -> Result<(), Failure> {
    if blob.size != expected.size {
        let detail = format!("{} bytes, {} were promised", blob.size, expected.size);
        return Err(Failure::refused(Refusal::Size, detail));
    }
    if blob.digest != expected.digest {
        let detail = format!("{}, {} was promised", blob.digest, expected.digest);
        return Err(Failure::refused(Refusal::Digest, detail));
    }
    Ok(())
}

struct Writer<'a> {
    archive: Archive<'a>,
    tree: Tree,
    caps: Caps,
    skipped: u64,
    /// In sparse files, which nothing in the stream counts.
    holes: u64,
    buffer: Vec<u8>,
}

impl Writer<'_> {
    fn write_all(&mut self) -> Result<(), Failure> {
        while let Some(entry) = self.archive.next()? {
            self.write(&entry).map_err(|failure| failure.at(&entry.path))?;
        }
        Ok(())
    }

    fn write(&mut self, entry: &Entry) -> Result<(), Failure> {
        match names::meaning(&entry.path, &self.caps)? {
            Meaning::Reserved => self.skipped += 1,
            Meaning::Root if entry.kind == Kind::Directory => {
                let root = super::walk::folder(self.tree.root(), c".")?;
                self.describe(root.as_fd(), entry)?;
            }
            Meaning::Root => return Err(Failure::malformed("the root, as something else than a directory")),
            Meaning::Opaque(folders) => attributes::set_opaque(self.tree.parent(&folders)?.as_fd())?,
            Meaning::Whiteout(Place { folders, name }) => {
                let parent = self.tree.parent(&folders)?;
                tree::whiteout(parent.as_fd(), &name)?;
            }
            Meaning::Entry(place) => self.put(&place, entry)?,
        }
        Ok(())
    }

    fn put(&mut self, place: &Place, entry: &Entry) -> Result<(), Failure> {
        if entry.kind == Kind::Other {
            self.skipped += 1;
            return Ok(());
        }
        let parent = self.tree.parent(&place.folders)?;
        let (parent, name) = (parent.as_fd(), place.name.as_c_str());
        match entry.kind {
            Kind::Directory => {
                let folder = self.tree.folder(parent, name)?;
                self.describe(folder.as_fd(), entry)
            }
            Kind::File => self.file(parent, name, entry),
            Kind::Symlink => {
                self.tree.symlink(parent, name, &target(&entry.link, &self.caps)?, &owned(entry))
            }
            Kind::HardLink => self.hard_link(parent, name, &entry.link),
            Kind::Other => Ok(()),
        }
    }

    fn describe(&mut self, folder: BorrowedFd<'_>, entry: &Entry) -> Result<(), Failure> {
        attributes::set(folder, &entry.attributes)?;
        Ok(self.tree.describe(folder, owned(entry))?)
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr, entry: &Entry) -> Result<(), Failure> {
        let mut file = File::from(self.tree.file(parent, name)?);
        match &entry.sparse {
            None => self.contents(&mut file)?,
            Some(parts) => self.parts(&file, parts, entry.size)?,
        }
        attributes::set(file.as_fd(), &entry.attributes)?;
        Ok(self.tree.settle(file.as_fd(), &owned(entry))?)
    }

    fn contents(&mut self, file: &mut File) -> Result<(), Failure> {
        loop {
            match self.archive.read(&mut self.buffer)? {
                0 => return Ok(()),
                count => file.write_all(&self.buffer[..count])?,
            }
        }
    }

    /// Holes stay holes, but count as if they were there: whoever copies such a file gets them in full.
    fn parts(&mut self, file: &File, parts: &Sparse, size: u64) -> Result<(), Failure> {
        self.holes = self.holes.saturating_add(size);
        if self.holes > self.caps.bytes {
            let detail = format!("sparse files of more than {} bytes", self.caps.bytes);
            return Err(Failure::refused(Refusal::TooManyBytes, detail));
        }
        file.set_len(size)?;
        for &(offset, length) in &parts.0 {
            let (mut at, end) = (offset, offset + length);
            while at < end {
                let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(self.buffer.len());
                let count = self.archive.read(&mut self.buffer[..most])?;
                file.write_all_at(&self.buffer[..count], at)?;
                at += count as u64;
            }
        }
        Ok(())
    }

    fn hard_link(&mut self, parent: BorrowedFd<'_>, name: &CStr, link: &[u8]) -> Result<(), Failure> {
        let mut folders = names::components(link, &self.caps)?;
        let target = folders.pop().ok_or_else(|| Failure::malformed("a hard link to the root"))?;
        let found = match self.tree.find(&folders) {
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => {
                return Err(Failure::malformed("a hard link to what is not there"));
            }
            found => found?,
        };
        self.tree.hard_link((found.as_fd(), &target), (parent, name))
    }
}

fn owned(entry: &Entry) -> Owned {
    Owned { mode: entry.mode, uid: entry.uid, gid: entry.gid, mtime: entry.mtime }
}

/// A symlink may say anything: it is followed within the root here, and within a job's root later.
fn target(link: &[u8], caps: &Caps) -> Result<CString, Failure> {
    if link.len() > caps.path_bytes as usize {
        return Err(Failure::refused(Refusal::PathTooLong, "a symlink's target"));
    }
    let target = CString::new(link).map_err(|_| Failure::malformed("a symlink with a NUL byte"))?;
    if target.is_empty() { Err(Failure::malformed("a symlink to nothing")) } else { Ok(target) }
}
