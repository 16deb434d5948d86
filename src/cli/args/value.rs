//! Values of options that are more than a text or a number.

use model::{CommitRequest, VolumeRequest};

use crate::units::size_bytes;

/// By the names of docker(1) and limits.conf(5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ulimit {
    OpenFiles,
    FileBytes,
    StackBytes,
}

/// Docker's form, with names alone: a host path is no volume.
pub(super) fn volume(text: &str) -> Result<VolumeRequest, String> {
    let parts: Vec<&str> = text.split(':').collect();
    let (name, path, read_only) = match parts[..] {
        [name, path] | [name, path, "rw"] => (name, path, false),
        [name, path, "ro"] => (name, path, true),
        _ => return Err("write it as NAME:/PATH or NAME:/PATH:ro".into()),
    };
    if name.contains('/') {
        return Err("a volume has a name; for a folder of this machine there is `--host-path`".into());
    }
    Ok(VolumeRequest { name: name.into(), path: path.into(), read_only })
}

pub(super) fn commit(text: &str) -> Result<CommitRequest, String> {
    match text.split_once(',') {
        None => Ok(CommitRequest { image: text.into(), workspace: false }),
        Some((image, "workspace")) => Ok(CommitRequest { image: image.into(), workspace: true }),
        Some(_) => Err("write it as NAME or NAME,workspace".into()),
    }
}

pub(super) fn ulimit(text: &str) -> Result<(Ulimit, u64), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    match name {
        "nofile" => Ok((Ulimit::OpenFiles, value.parse().map_err(|_| "nofile is a number")?)),
        "fsize" => Ok((Ulimit::FileBytes, size_bytes(value)?)),
        "stack" => Ok((Ulimit::StackBytes, size_bytes(value)?)),
        _ => Err("one of nofile, fsize, stack".into()),
    }
}
