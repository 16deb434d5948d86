//! Names of entries: which are paths into the tree, and which say something about a layer below.
//!
//! OCI image-spec, layer.md "Whiteouts": `.wh.NAME` hides NAME of the layers below, `.wh..wh..opq` all that they have in its
//! directory. Other names that begin with `.wh.` are left over from aufs.

use std::ffi::CString;

use super::failure::Failure;
use super::{Caps, Refusal};

const WHITEOUT: &[u8] = b".wh.";
const AUFS: &[u8] = b".wh..wh.";
pub(crate) const OPAQUE: &[u8] = b".wh..wh..opq";

/// What an entry's path means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The tree's own directory: `.`, `./` or `/`.
    Root,
    /// An entry of the tree, in these directories.
    Entry(Place),
    /// This entry of the layers below is hidden.
    Whiteout(Place),
    /// All entries of the layers below in these directories are hidden.
    Opaque(Vec<CString>),
    /// A name that cannot be in a layer's tree.
    Reserved,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) folders: Vec<CString>,
    pub(crate) name: CString,
}

/// Absolute paths are taken from the tree's root, as all tools do. `..` has no honest use and is refused.
pub(crate) fn components(path: &[u8], caps: &Caps) -> Result<Vec<CString>, Failure> {
    if path.len() > caps.path_bytes as usize {
        return Err(Failure::refused(Refusal::PathTooLong, format!("a path of {} bytes", path.len())));
    }
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => (),
            b".." => return Err(Failure::malformed("a path with `..`")),
            name => names.push(CString::new(name).map_err(|_| Failure::malformed("a path with a NUL byte"))?),
        }
    }
    if names.len() > caps.depth as usize {
        return Err(Failure::refused(Refusal::TooDeep, format!("{} directories deep", names.len())));
    }
    Ok(names)
}

pub(crate) fn meaning(path: &[u8], caps: &Caps) -> Result<Meaning, Failure> {
    let mut folders = components(path, caps)?;
    let Some(name) = folders.pop() else { return Ok(Meaning::Root) };
    if folders.iter().any(|folder| is_reserved(folder.as_bytes())) {
        return Ok(Meaning::Reserved);
    }
    let bytes = name.as_bytes();
    if bytes == OPAQUE {
        return Ok(Meaning::Opaque(folders));
    }
    if bytes.starts_with(AUFS) {
        return Ok(Meaning::Reserved);
    }
    match bytes.strip_prefix(WHITEOUT) {
        None => Ok(Meaning::Entry(Place { folders, name })),
        Some(b"" | b"." | b"..") => Err(Failure::malformed("a whiteout of no name")),
        Some(hidden) => {
            let name = CString::new(hidden).map_err(|_| Failure::malformed("a path with a NUL byte"))?;
            Ok(Meaning::Whiteout(Place { folders, name }))
        }
    }
}

/// Whether a tree's entry of this name would turn into something else in a layer.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(WHITEOUT)
}
