//! The folders of images and volumes, whose paths only who owns them can follow.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use nix::fcntl::AT_FDCWD;
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use super::c_path;
use crate::init::mounts;
use crate::sys::{self, ATTR_NODEV, ATTR_NOSUID, ATTR_RDONLY};

/// Where images and volumes are kept, on the host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stores {
    /// Of all images: STATE/images/layers.
    pub layers: PathBuf,
    /// STATE/volumes.
    pub volumes: PathBuf,
}

/// What the launcher has of them.
pub(crate) enum Taken {
    Paths(Stores),
    Mounts(Mounts),
}

/// Detached.
pub(crate) struct Mounts {
    pub(crate) layers: OwnedFd,
    pub(crate) volumes: OwnedFd,
}

/// The launcher of a root daemon is another user than the owner of the folders, so root mounts them for it.
pub(crate) fn mounts_by_root(stores: &Stores) -> io::Result<Option<Mounts>> {
    geteuid().is_root().then(|| Mounts::of(stores)).transpose()
}

impl Mounts {
    fn of(stores: &Stores) -> io::Result<Self> {
        let attributes = ATTR_NOSUID | ATTR_NODEV;
        let layers = mounts::bind(AT_FDCWD, &c_path(&stores.layers)?, attributes | ATTR_RDONLY)?;
        let volumes = mounts::bind(AT_FDCWD, &c_path(&stores.volumes)?, attributes)?;
        Ok(Self { layers, volumes })
    }

    /// In the launcher's own tree.
    pub(super) fn attach(self) -> io::Result<()> {
        sys::move_mount(self.layers.as_fd(), AT_FDCWD, c"/layers")?;
        sys::move_mount(self.volumes.as_fd(), AT_FDCWD, c"/volumes")
    }
}

impl Taken {
    pub(super) fn mounts(self) -> io::Result<Mounts> {
        match self {
            Self::Paths(stores) => Mounts::of(&stores),
            Self::Mounts(mounts) => Ok(mounts),
        }
    }
}
