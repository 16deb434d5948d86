//! Where an archive comes from, and what its images are to be called.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;

use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::archive::{Found, Members};
use crate::store::holder::{Holder, Scratch};
use crate::store::names::{Meant, normal};
use crate::store::{Hex, aside};
use crate::tool::Expected;

/// A piece of what is copied or hashed.
const PIECE: usize = 1 << 20;

pub(super) enum Source {
    Folder(OwnedFd),
    /// One that can be read twice. What came through a pipe is kept as long as it is.
    File(File, Option<Scratch>),
}

pub(super) enum Opened {
    Images(Members, Vec<Found>),
    Rootfs((File, Option<Scratch>)),
}

pub(super) async fn open(archive: File, holder: &Holder, most: u64) -> Result<Source, Error> {
    let scratch = holder.scratch();
    aside(move || {
        let found = archive.metadata()?;
        if found.is_dir() {
            return Ok(Source::Folder(archive.into()));
        }
        if found.is_file() {
            return Ok(Source::File(archive, None));
        }
        let mut how = File::options();
        let mut kept = how.read(true).write(true).create_new(true).open(scratch.path())?;
        let copied = io::copy(&mut archive.take(most.saturating_add(1)), &mut kept)?;
        if copied > most {
            return Err(Error::TooLarge { what: "the archive".into(), allowed: most });
        }
        Ok(Source::File(kept, Some(scratch)))
    })
    .await
}

/// A file from its first byte on. Not by its offset, which whoever was handed the descriptor has as well (dup(2)): a tool that
/// was told to stop may still be reading.
#[derive(Debug)]
pub(super) struct Whole {
    file: File,
    read: u64,
}

impl Whole {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        Ok(Self { file: file.try_clone()?, read: 0 })
    }
}

impl Read for Whole {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(piece, self.read)?;
        self.read += read as u64;
        Ok(read)
    }
}

pub(super) fn hash(mut file: Whole, most: u64) -> Result<Expected, Error> {
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        size += read as u64;
        if size > most {
            return Err(Error::TooLarge { what: "the archive".into(), allowed: most });
        }
    }
    Ok(Expected { digest: Hex::of(&hash.finalize()).digest(), size })
}

/// The names of each.
pub(super) fn called(found: &[Found], name: Option<&str>) -> Result<Vec<Vec<String>>, Error> {
    if let ([_], Some(name)) = (found, name) {
        return Ok(vec![vec![Meant::name(name)?]]);
    }
    let each = found.iter().map(|image| {
        if image.names.is_empty() {
            return Err(unnamed("it does not say what its image is called"));
        }
        image.names.iter().map(|own| call(own, name)).collect()
    });
    each.collect()
}

/// `name` is what comes before a tag that stands alone.
fn call(own: &str, name: Option<&str>) -> Result<String, Error> {
    if own.contains(['/', ':']) {
        return Meant::name(own);
    }
    let name =
        name.ok_or_else(|| unnamed(&format!("it calls its image {own:.100?}, which is a tag alone")))?;
    let before = normal(name)?;
    Meant::name(&format!("{}/{}:{own}", before.registry(), before.repository()))
}

pub(super) fn unnamed(why: &str) -> Error {
    Error::InvalidReference { reference: String::new(), why: format!("the archive needs a name: {why}") }
}
