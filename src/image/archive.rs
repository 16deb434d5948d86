//! Images in files: what `docker save` writes, OCI image layouts (image-layout.md) as a folder or as a tar of one, and a root
//! filesystem as a tar. Which it is, is told by what is in it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::Error;
use crate::store::blobs::read_document;
use crate::store::holder::Scratch;
use crate::tool::Expected;

pub(crate) mod docker;
pub(crate) mod oci;
pub(crate) mod rootfs;
pub(crate) mod write;

/// An image that an archive has.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) manifest: Manifest,
    /// What the archive calls it; a tag alone, or nothing, where it says no more.
    pub(crate) names: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Manifest {
    /// A blob of a layout.
    Written(Expected),
    /// There was none: the document, and which member is which blob.
    Made { manifest: Vec<u8>, config: String, layers: HashMap<String, String> },
}

/// The files of an archive, by name.
#[derive(Debug)]
pub(crate) enum Members {
    /// A folder that somebody named: nothing in it is followed to elsewhere.
    Folder(OwnedFd),
    /// What the tool made of a tar: a folder with a file for each.
    Split { _folder: Scratch, members: HashMap<String, (PathBuf, Expected)> },
}

impl Members {
    pub(crate) fn open(&self, name: &str) -> Result<Option<File>, Error> {
        match self {
            Self::Folder(folder) => open_beneath(folder, name),
            Self::Split { members, .. } => {
                let Some((path, _)) = members.get(name) else { return Ok(None) };
                Ok(Some(File::open(path)?))
            }
        }
    }

    pub(crate) fn document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        self.open(name)?.map(|file| read_document(file, name)).transpose()
    }

    /// What the tool has found a member to be.
    pub(crate) fn expected(&self, name: &str) -> Option<&Expected> {
        match self {
            Self::Folder(_) => None,
            Self::Split { members, .. } => members.get(name).map(|(_, expected)| expected),
        }
    }

    /// A member with this content, whatever it is called.
    pub(crate) fn with_digest(&self, digest: &str) -> Option<String> {
        let Self::Split { members, .. } = self else { return None };
        let mut found = members.iter().filter(|(_, (_, expected))| expected.digest == digest);
        found.next().map(|(name, _)| name.clone())
    }
}

/// Regular files alone: a fifo would block whoever opens it.
fn open_beneath(folder: &OwnedFd, name: &str) -> Result<Option<File>, Error> {
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS);
    let file = match openat2(folder.as_fd(), name, how) {
        Ok(file) => File::from(file),
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        Err(Errno::ELOOP | Errno::EXDEV) => return Err(Error::malformed(format!("{name} is a link"))),
        Err(error) => return Err(io::Error::from(error).into()),
    };
    if !file.metadata()?.is_file() {
        return Err(Error::malformed(format!("{name} is no regular file")));
    }
    Ok(Some(file))
}

/// As a member of an archive is called: `./index.json` and `/index.json` are `index.json`.
pub(crate) fn plain_name(name: &str) -> &str {
    let mut name = name;
    while let Some(rest) = name.strip_prefix("./").or_else(|| name.strip_prefix('/')) {
        name = rest;
    }
    name
}

/// Whether it could be one of an archive of images. A root filesystem says with its first file that it is none.
pub(crate) fn is_of_images(name: &str) -> bool {
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    match name.split_once('/') {
        None => {
            let documents = ["manifest.json", "index.json", "oci-layout", "repositories"];
            let stem = name.strip_suffix(".json").or_else(|| name.strip_suffix(".tar"));
            documents.contains(&name)
                || stem.is_some_and(hex)
                || hex(name.strip_prefix("sha256:").unwrap_or_default())
        }
        Some(("blobs", _)) => true,
        Some((folder, file)) => hex(folder) && ["VERSION", "json", "layer.tar"].contains(&file),
    }
}
