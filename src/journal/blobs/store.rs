//! The files, by descriptors of their folders: `incoming/` for what is not whole yet, `sha256/ab/` for what is.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat, mkdirat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

const FOLDER: OFlag =
    OFlag::O_DIRECTORY.union(OFlag::O_RDONLY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// A SHA-256 in lower-case hexadecimal digits, and nothing else: it is used as a file's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(String);

impl Hex {
    pub(crate) fn of(hash: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        Self(hash.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
    }

    pub(crate) fn parse(digest: &str) -> Option<Self> {
        Self::named(digest.strip_prefix("sha256:")?)
    }

    fn named(name: &str) -> Option<Self> {
        let fits = name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(name.to_owned()))
    }

    pub(crate) fn digest(&self) -> String {
        format!("sha256:{}", self.0)
    }

    fn folder(&self) -> &str {
        &self.0[..2]
    }
}

#[derive(Debug)]
pub(crate) struct Store {
    incoming: Arc<OwnedFd>,
    whole: OwnedFd,
    /// Whether a file is to be there after a power loss.
    power: bool,
    next: AtomicU64,
    placing: Mutex<()>,
}

/// A file that is being written. Gone when dropped.
#[derive(Debug)]
pub(crate) struct Incoming {
    folder: Arc<OwnedFd>,
    name: String,
    file: File,
    power: bool,
    placed: bool,
}

impl Incoming {
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Its bytes are where they should be before its name is.
    pub(crate) fn settle(&self) -> io::Result<()> {
        if self.power { self.file.sync_all() } else { Ok(()) }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.placed {
            // One that stays goes when the journal is opened again.
            let _ = unlinkat(&*self.folder, self.name.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

impl Store {
    pub(crate) fn open(root: &File, power: bool) -> io::Result<Self> {
        let blobs = folder(root, "blobs")?;
        let (incoming, whole) = (folder(&blobs, "incoming")?, folder(&blobs, "sha256")?);
        for name in names(&incoming)? {
            unlinkat(&incoming, name.as_str(), UnlinkatFlags::NoRemoveDir)?;
        }
        let incoming = Arc::new(incoming);
        Ok(Self { incoming, whole, power, next: AtomicU64::new(0), placing: Mutex::new(()) })
    }

    /// Held while files are placed or removed, and while that is put on record.
    pub(crate) fn placing(&self) -> MutexGuard<'_, ()> {
        self.placing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self) -> io::Result<Incoming> {
        let name = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(&*self.incoming, name.as_str(), flags, Mode::from_bits_truncate(0o600))?;
        let folder = Arc::clone(&self.incoming);
        Ok(Incoming { folder, name, file: file.into(), power: self.power, placed: false })
    }

    /// One of another length was cut short by a power loss: it does not count.
    pub(crate) fn holds(&self, hex: &Hex, bytes: u64) -> bool {
        let path = format!("{}/{}", hex.folder(), hex.0);
        fstatat(&self.whole, path.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| u64::try_from(stat.st_size) == Ok(bytes))
    }

    pub(crate) fn place(&self, mut incoming: Incoming, hex: &Hex) -> io::Result<()> {
        let into = folder(&self.whole, hex.folder())?;
        renameat(&*incoming.folder, incoming.name.as_str(), &into, hex.0.as_str())?;
        incoming.placed = true;
        if self.power {
            fsync(&into)?;
        }
        Ok(())
    }

    pub(crate) fn read(&self, hex: &Hex) -> io::Result<Option<(File, u64)>> {
        let path = format!("{}/{}", hex.folder(), hex.0);
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match openat(&self.whole, path.as_str(), flags, Mode::empty()) {
            Ok(file) => {
                let file = File::from(file);
                let length = file.metadata()?.len();
                Ok(Some((file, length)))
            }
            Err(Errno::ENOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn remove(&self, hex: &Hex) -> io::Result<()> {
        let path = format!("{}/{}", hex.folder(), hex.0);
        match unlinkat(&self.whole, path.as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn list(&self) -> io::Result<Vec<Hex>> {
        let mut found = Vec::new();
        for name in names(&self.whole)? {
            let inside = openat(&self.whole, name.as_str(), FOLDER, Mode::empty())?;
            found.extend(names(&inside)?.iter().filter_map(|name| Hex::named(name)));
        }
        Ok(found)
    }
}

fn folder(parent: &impl std::os::fd::AsFd, name: &str) -> io::Result<OwnedFd> {
    match openat(parent, name, FOLDER, Mode::empty()) {
        Err(Errno::ENOENT) => {
            match mkdirat(parent, name, Mode::from_bits_truncate(0o700)) {
                Ok(()) | Err(Errno::EEXIST) => (),
                Err(error) => return Err(error.into()),
            }
            Ok(openat(parent, name, FOLDER, Mode::empty())?)
        }
        opened => Ok(opened?),
    }
}

/// Names that are not UTF-8 are not ours.
fn names(folder: &OwnedFd) -> io::Result<Vec<String>> {
    let mut entries = Dir::openat(folder, ".", FOLDER, Mode::empty())?;
    let mut names = Vec::new();
    for entry in entries.iter() {
        let entry = entry?;
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => (),
            Ok(name) => names.push(name.to_owned()),
        }
    }
    Ok(names)
}
