//! What is done with trees and archives that somebody else has made: in a process of its own.
//!
//! One thread, no path: everything is relative to the descriptors of the call. What is not understood is refused.

mod archive;
mod attributes;
mod failure;
mod measure;
mod names;
mod pack;
mod remove;
mod split;
mod stream;
mod tree;
mod unpack;
mod walk;

use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::{Mode, fchmod, mkdirat};
use nix::unistd::{Gid, Uid, fchown};
use sandbox::{ToolCall, wire};
use serde::{Deserialize, Serialize};

use failure::Failure;

/// One piece of work. Descriptors come in the order in which they are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Task {
    /// Descriptors: the blob; a directory, in which `fs` becomes the layer's tree.
    Unpack { compression: Compression, blob: Option<Expected>, diff_id: Option<String>, caps: Caps },
    /// Descriptors: the upper directory of a job's overlay; the file to write the layer to, a tar in gzip; the job's
    /// `/workspace`, where that is to be in the layer. `user` is who the job was inside.
    Pack { user: u32, caps: Caps },
    /// Descriptors: a directory. Everything below the entries of these names goes, and they too.
    Remove { names: Vec<String> },
    /// Descriptors: a directory, in which `fs` becomes a tree that every user of a sandbox may write to.
    MakeVolume,
    /// Descriptors: a directory.
    Measure,
    /// Descriptors: an archive of blobs (docker-archive, oci-layout as a tar), in gzip, zstd or plain; an empty directory. Each regular
    /// member becomes a file there, named by its number; what it was called is told. A link to a member is one more member.
    Split { caps: Caps },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    Plain,
    Gzip,
    Zstd,
    /// By its first bytes.
    Unknown,
}

/// What a blob must turn out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// `sha256:…`.
    pub digest: String,
    pub size: u64,
}

/// The most that is taken from one archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Uncompressed.
    pub bytes: u64,
    pub entries: u64,
    /// Of one path.
    pub path_bytes: u32,
    pub depth: u32,
    /// Uncompressed to compressed, once 64 MiB have come out.
    pub ratio: u32,
}

/// What is said about it, as often as it goes on; one of the last six is the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// Of the blob, read or written.
    Progress {
        bytes: u64,
    },
    /// One member of a split archive, in order.
    Member {
        name: String,
        expected: Expected,
    },
    Unpacked(Unpacked),
    Packed {
        blob: Expected,
        diff_id: String,
        entries: u64,
        /// What no layer can hold: sockets, fifos, names that begin with `.wh.`.
        skipped: u64,
    },
    Removed,
    Made,
    Measured {
        bytes: u64,
        entries: u64,
    },
    Split,
    Refused {
        code: Refusal,
        detail: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unpacked {
    pub blob: Expected,
    pub diff_id: String,
    /// Of the disk, by the tree.
    pub bytes: u64,
    pub entries: u64,
    /// Entries that were left out: devices, names that Stockade keeps for itself.
    pub skipped: u64,
    /// The layer hides all those below it (`.wh..wh..opq` at its root). Overlayfs reads no such mark there: whoever stacks the
    /// layers leaves the lower ones out.
    pub hides_all: bool,
    /// The layer's `/etc/passwd` and `/etc/group`. Empty: it hides those of the layers below, or has something else there than a
    /// regular file of at most 256 KiB.
    pub passwd: Option<String>,
    pub group: Option<String>,
}

/// Why an archive or a tree was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    Digest,
    Size,
    DiffId,
    TooManyBytes,
    TooManyEntries,
    PathTooLong,
    TooDeep,
    Ratio,
    /// Not an archive of its kind, or one cut short.
    Malformed,
    /// No room on the disk, or none for this user.
    Full,
    /// The host could not.
    Host,
}

/// What a tree is called in the directory that is handed out for it.
pub(crate) const TREE: &str = "fs";

/// Does what the call asks for, tells how it went, and returns. Nobody waiting any more is no failure: there is nobody to tell.
pub fn run(call: ToolCall) {
    let ToolCall { socket, task, fds, ids } = call;
    let teller = Teller { socket };
    let done = postcard::from_bytes(&task)
        .map_err(|error| Failure::refused(Refusal::Malformed, format!("the task: {error}")))
        .and_then(|task| perform(task, fds, ids, &teller));
    let last = match done {
        Ok(told) => told,
        Err(Failure::Gone) => return,
        Err(Failure::Refused { code, detail }) => Told::Refused { code, detail },
    };
    let _ = teller.tell(&last);
}

fn perform(task: Task, fds: Vec<OwnedFd>, ids: sandbox::ImageIds, teller: &Teller) -> Result<Told, Failure> {
    let mut fds = fds.into_iter();
    let mut next =
        || fds.next().ok_or_else(|| Failure::refused(Refusal::Malformed, "the task lacks a descriptor"));
    match task {
        Task::Unpack { compression, blob, diff_id, caps } => {
            let expected = unpack::Wanted { compression, blob, diff_id };
            let (blob, place) = (next()?, next()?);
            let tree = make_tree(&place)?;
            unpack::unpack(blob, &tree, &expected, unpack::Rules { caps, ids }, teller).map(Told::Unpacked)
        }
        Task::MakeVolume => {
            let tree = make_tree(&next()?)?;
            fchown(&tree, Some(Uid::from_raw(ids.owner(0))), Some(Gid::from_raw(ids.owner(0))))?;
            fchmod(&tree, Mode::from_bits_truncate(0o777))?;
            Ok(Told::Made)
        }
        Task::Remove { names } => remove::names(&next()?, &names).map(|()| Told::Removed),
        Task::Measure => {
            let measure::Size { bytes, entries } = measure::tree(next()?.as_fd())?;
            Ok(Told::Measured { bytes, entries })
        }
        Task::Pack { user, caps } => {
            let (upper, out, workspace) = (next()?, next()?, next().ok());
            pack::pack(&upper, out, workspace.as_ref(), user, unpack::Rules { caps, ids }, teller)
        }
        Task::Split { caps } => split::split(next()?, &next()?, caps, teller),
    }
}

/// The tree itself is the tool's: what it is handed may belong to a user whom it cannot act for.
fn make_tree(place: &OwnedFd) -> Result<OwnedFd, Failure> {
    mkdirat(place, TREE, Mode::S_IRWXU)?;
    let how = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(openat(place, TREE, how, Mode::empty())?)
}

/// The way back to whoever asked.
#[derive(Debug)]
struct Teller {
    socket: OwnedFd,
}

impl Teller {
    fn tell(&self, told: &Told) -> Result<(), Failure> {
        wire::send(self.socket.as_fd(), told, &[]).map_err(|_| Failure::Gone)
    }
}

#[cfg(test)]
mod tests;
