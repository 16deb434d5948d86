//! Whether overlayfs can do here what cases need of it: tried once.

#![expect(clippy::disallowed_methods, reason = "the launcher's own files, before any job exists")]

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use nix::fcntl::OFlag;
use nix::unistd::{UnlinkatFlags, unlinkat, write};

use crate::init::mounts;

/// The launcher's own tree: nothing is mounted here but in a sandbox.
const TRIAL: &str = "/scratch";

pub(crate) fn has_overlay() -> bool {
    let works = works().is_ok();
    for name in ["lower", "upper", "work"] {
        let _ = fs::remove_dir_all(Path::new(TRIAL).join(name));
    }
    works
}

/// A file of the lower layer is written, and another removed. Not tried: a folder of the lower layer removed and made anew,
/// which takes attributes that tmpfs has since kernel 6.6; before, whoever does that gets `EIO`.
fn works() -> io::Result<()> {
    for name in ["lower", "upper", "work"] {
        fs::create_dir(Path::new(TRIAL).join(name))?;
    }
    for name in ["written", "removed"] {
        fs::write(Path::new(TRIAL).join("lower").join(name), "lower")?;
    }
    let merged = mounts::overlay(c"/scratch/lower", c"/scratch/upper", c"/scratch/work")?;
    let written = mounts::resolve(merged.as_fd(), c"written", OFlag::O_WRONLY)?;
    write(&written, b"upper")?;
    unlinkat(&merged, c"removed", UnlinkatFlags::NoRemoveDir)?;
    Ok(())
}
