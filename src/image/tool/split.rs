//! An archive of blobs (docker-archive, oci-layout) to files named by their numbers: nothing that it calls them is a path here.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{linkat, syncfs};
use sha2::{Digest as _, Sha256};

use super::archive::{Archive, Entry, Kind};
use super::failure::Failure;
use super::stream::{Stream, digest};
use super::{Caps, Compression, Expected, Refusal, Teller, Told, names, walk};

const BUFFER: usize = 128 << 10;
/// Of all names together, which are kept for the links among them.
const MOST_NAMES: usize = 64 << 20;

pub(crate) fn split(
    archive: OwnedFd,
    folder: &OwnedFd,
    caps: Caps,
    teller: &Teller,
) -> Result<Told, Failure> {
    let stream = Stream::new(File::from(archive), Compression::Unknown, None, caps, teller)?;
    let folder = walk::folder(folder.as_fd(), c".")?;
    let mut splitter = Splitter {
        archive: Archive::new(stream, caps),
        folder,
        caps,
        teller,
        members: HashMap::new(),
        links: Vec::new(),
        names: 0,
        next: 0,
    };
    while let Some(entry) = splitter.archive.next()? {
        splitter.entry(&entry).map_err(|failure| failure.at(&entry.path))?;
    }
    splitter.link_all()?;
    let Splitter { archive, folder, .. } = splitter;
    archive.into_stream().finish()?;
    syncfs(&folder)?;
    Ok(Told::Split)
}

struct Splitter<'a> {
    archive: Archive<'a>,
    folder: OwnedFd,
    caps: Caps,
    teller: &'a Teller,
    /// By name: the number, and what the file is.
    members: HashMap<Vec<u8>, (u64, Expected)>,
    /// (name, target): `docker save` wrote a layer that two images share once, and a symlink to it.
    links: Vec<(Vec<u8>, Vec<u8>)>,
    names: usize,
    next: u64,
}

impl Splitter<'_> {
    fn entry(&mut self, entry: &Entry) -> Result<(), Failure> {
        let name = joined(&names::components(&entry.path, &self.caps)?);
        self.names += name.len() + entry.link.len();
        if self.names > MOST_NAMES {
            return Err(Failure::refused(Refusal::TooManyEntries, "too many names"));
        }
        match entry.kind {
            Kind::File if entry.sparse.is_some() => Err(Failure::malformed("a blob with holes")),
            Kind::File => {
                let expected = self.member()?;
                self.told(name, expected)
            }
            Kind::Symlink => {
                if let Some(target) = beside(&name, &entry.link) {
                    self.links.push((name, target));
                }
                Ok(())
            }
            Kind::HardLink => {
                let target = joined(&names::components(&entry.link, &self.caps)?);
                self.links.push((name, target));
                Ok(())
            }
            Kind::Directory | Kind::Other => Ok(()),
        }
    }

    fn member(&mut self) -> Result<Expected, Failure> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let how = OpenHow::new()
            .flags(flags)
            .mode(Mode::S_IRUSR | Mode::S_IWUSR)
            .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
        let mut file = File::from(openat2(&self.folder, number(self.next).as_c_str(), how)?);
        // Whoever asked may be another user. Only who may enter the folder gets to it.
        fchmod(&file, Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP | Mode::S_IROTH)?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut buffer = vec![0; BUFFER];
        loop {
            let count = self.archive.read(&mut buffer)?;
            if count == 0 {
                return Ok(Expected { digest: digest(hash), size });
            }
            hash.update(&buffer[..count]);
            file.write_all(&buffer[..count])?;
            size += count as u64;
        }
    }

    fn told(&mut self, name: Vec<u8>, expected: Expected) -> Result<(), Failure> {
        let told =
            Told::Member { name: String::from_utf8_lossy(&name).into_owned(), expected: expected.clone() };
        self.members.insert(name, (self.next, expected));
        self.next += 1;
        self.teller.tell(&told)
    }

    /// Links to members become members; such to links, in the round after. Others lead nowhere, and are nothing.
    fn link_all(&mut self) -> Result<(), Failure> {
        loop {
            let before = self.links.len();
            for (name, target) in std::mem::take(&mut self.links) {
                match self.members.get(&target).cloned() {
                    None => self.links.push((name, target)),
                    Some((member, expected)) => {
                        let (from, to) = (number(member), number(self.next));
                        let none = AtFlags::empty();
                        linkat(&self.folder, from.as_c_str(), &self.folder, to.as_c_str(), none)?;
                        self.told(name, expected)?;
                    }
                }
            }
            if self.links.len() == before {
                return Ok(());
            }
        }
    }
}

fn number(n: u64) -> CString {
    CString::new(n.to_string()).unwrap_or_default()
}

fn joined(names: &[CString]) -> Vec<u8> {
    names.iter().map(CString::as_bytes).collect::<Vec<_>>().join(&b'/')
}

/// Where a symlink of this name leads, by its text alone; `None`: out of the archive.
fn beside(name: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let mut parts: Vec<&[u8]> =
        if target.starts_with(b"/") { Vec::new() } else { name.split(|byte| *byte == b'/').collect() };
    parts.pop();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => (),
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join(&b'/'))
}
