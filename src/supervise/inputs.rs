//! What a job brings along, as memfds: no pump to run, nothing to wait for, nothing to deadlock on.

use std::io;
use std::os::fd::OwnedFd;

use model::FileSpec;
use sandbox::protocol::FileEntry;
use sandbox::wire::sealed;

/// All files in one memfd, one after another, and the list that takes them apart.
pub(crate) fn pack(files: &[FileSpec]) -> io::Result<(Vec<FileEntry>, OwnedFd)> {
    let entry = |file: &FileSpec| FileEntry {
        path: file.path.clone(),
        mode: file.mode,
        bytes: file.contents.len() as u64,
    };
    let contents: Vec<u8> = files.iter().flat_map(|file| file.contents.iter().copied()).collect();
    Ok((files.iter().map(entry).collect(), sealed(c"files", &contents)?))
}

pub(crate) fn stdin(contents: &[u8]) -> io::Result<OwnedFd> {
    sealed(c"stdin", contents)
}
