//! Work on trees that a job or an image could have shaped, in a process of its own.

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};

/// Ids that the files of images and volumes have on the host, as the launcher's user namespace calls them.
///
/// Image id `n` is `first + n`. What does not fit is the last one, which stands for 65534 (`nobody`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageIds {
    pub first: u32,
    pub count: u32,
}

impl ImageIds {
    /// Without a subuid range all files are the launcher's own.
    pub const SINGLE: Self = Self { first: 0, count: 1 };

    /// The owner to be given to a file that belongs to `id` in the image.
    #[must_use]
    pub fn owner(&self, id: u32) -> u32 {
        self.first + id.min(self.count - 1)
    }

    /// The id in the image of a file that has this owner.
    #[must_use]
    pub fn image_id(&self, owner: u32) -> u32 {
        match owner.checked_sub(self.first) {
            Some(id) if id + 1 < self.count => id,
            _ if self.count == 1 => 0,
            _ => 65_534,
        }
    }
}

/// What `main` gives the launcher to be run in such a process.
pub type Tool = fn(ToolCall);

/// What such a process is called with. It has the capabilities over ids of the launcher and reaches nothing by path but what
/// lies below the directories that it was handed.
#[derive(Debug)]
pub struct ToolCall {
    /// To whoever asked, by [`crate::wire`]. Its other end closed means: nobody waits any more.
    pub socket: OwnedFd,
    /// As the asking side has packed it.
    pub task: Vec<u8>,
    pub fds: Vec<OwnedFd>,
    pub ids: ImageIds,
}
