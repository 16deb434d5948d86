//! Folders below the state directory that the launcher knows from its start.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use sandbox::Stores;

use crate::privilege::DAEMON;
use crate::settings::ConfigError;

/// Passed through by ids that own nothing there, to what belongs to them.
const PASSABLE: u32 = 0o711;

/// Of images and volumes, made where they are missing. `dir` is [`crate::state_dir`]'s; before root is given up.
pub fn stores(dir: &Path) -> Result<Stores, ConfigError> {
    let make = |name: &str, mode| made(dir.join(name), mode);
    let found = make("images", 0o700).and_then(|_| {
        let layers = make("images/layers", PASSABLE)?;
        Ok(Stores { layers, volumes: make("volumes", PASSABLE)? })
    });
    found.map_err(|error| {
        let hint = "name a folder with `--state-dir` in which this user can make others";
        ConfigError::setting("state_dir", format!("{}: {error}", dir.display()), hint)
    })
}

/// Nobody else can have put anything there: `dir` is closed to all others.
fn made(path: PathBuf, mode: u32) -> io::Result<PathBuf> {
    match DirBuilder::new().mode(mode).create(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(path),
        made => made?,
    }
    // The umask may have taken bits away.
    fs::set_permissions(&path, Permissions::from_mode(mode))?;
    if geteuid().is_root() {
        chown(&path, Some(DAEMON), Some(DAEMON))?;
    }
    Ok(path)
}
