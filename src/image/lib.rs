//! Images and volumes: what jobs have for a root filesystem, and what they keep beyond their end.
//!
//! ```text
//! registry, archive ──▶ blobs (verified) ──▶ tool: unpack ──▶ layers, each once ──▶ a job's overlay ──▶ tool: pack ──▶ blobs
//! ```
//!
//! Trees that a job or an image could have shaped are touched by [`tool`] alone, in a process of its own that the launcher
//! clones: it can reach what it was handed, by descriptor, and nothing else.

#![forbid(unsafe_code)]

pub mod tool;

#[expect(clippy::disallowed_methods, reason = "files that this process has written, in folders of its own")]
mod archive;
mod error;
#[expect(clippy::disallowed_methods, reason = "the same")]
mod images;
mod options;
mod progress;
#[expect(clippy::disallowed_methods, reason = "files of the user who started this process")]
pub mod registry;
#[expect(
    clippy::disallowed_methods,
    reason = "folders that no job and no image can write to: trees are the tool's"
)]
mod store;
#[expect(
    clippy::disallowed_methods,
    reason = "a volume's folder before any job has it, and while it is empty"
)]
mod volumes;
#[expect(clippy::disallowed_methods, reason = "places in the store, once the tool has emptied them")]
mod worker;

#[cfg(test)]
mod tests;

pub use archive::write::Format;
pub use error::{Error, OpenError};
pub use images::{Changes, Details, Images, Info, LayerInfo, Pull, Push, Removed, Resolved, Scope, Stored};
pub use options::Options;
pub use progress::{Progress, Silent, Stage};
pub use store::{Freed, Incoming, Lease};
pub use volumes::{Mounted, Volume, Volumes};
pub use worker::Worker;
