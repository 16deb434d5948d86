//! An image as root: its layers below, and above them one directory of the job's own, all of it overlayfs.
//!
//! Everything that Stockade itself puts into the tree is made in that directory before the overlay is: it hides whatever
//! the image has at those names, and a link there leads nowhere (CVE-2019-19921, CVE-2024-45310, CVE-2026-41579).

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{FileStat, Mode, fchmod, fstatat};
use nix::unistd::{Gid, Uid, fchown, write};

use super::{JOB, make_folder};
use crate::init::mounts;
use crate::launcher::surroundings::OWN_NAMES;
use crate::plan::ImageRoot;
use crate::step::{At, Step, StepError};
use crate::sys;

/// Covered by mounts of ours, or kept empty.
const PLACES: [&CStr; 5] = [c"dev", c"proc", c"sys", c"tmp", c"workspace"];
const ROOT_MODE: u32 = 0o755;

/// Returns the new root, and the directory that what the job changes is in.
pub(super) fn attach(image: &ImageRoot, scratch: &OwnedFd) -> Result<(OwnedFd, OwnedFd), StepError> {
    let layers = layers(image).at(Step::Root, 10)?;
    let changes = make_folder(scratch, c"upper", ROOT_MODE).at(Step::Root, 11)?;
    make_folder(scratch, c"work", 0o700).at(Step::Root, 12)?;
    for (i, name) in PLACES.into_iter().enumerate() {
        make_folder(&changes, name, ROOT_MODE).at(Step::Root, 20 + i)?;
    }
    let etc = make_folder(&changes, c"etc", ROOT_MODE).at(Step::Root, 30)?;
    for (i, (name, text)) in OWN_NAMES.into_iter().enumerate() {
        let flags = OFlag::O_WRONLY;
        let file = mounts::create(etc.as_fd(), name, flags, Mode::from_bits_truncate(0o644));
        write(file.at(Step::Root, 31 + i)?, text.as_bytes()).at(Step::Root, 41 + i)?;
    }
    look_like(&changes, &layers, c".").at(Step::Root, 51)?;
    look_like(&etc, &layers, c"etc").at(Step::Root, 52)?;
    let root = overlay(&layers).at(Step::Root, 53)?;
    let devices = mounts::copy(c"/host/dev").at(Step::Root, 54)?;
    mounts::attach(&devices, root.as_fd(), c"dev").at(Step::Root, 55)?;
    let sys = mounts::copy(c"/host/sys").at(Step::Root, 56)?;
    mounts::attach(&sys, root.as_fd(), c"sys").at(Step::Root, 57)?;
    Ok((root, changes))
}

/// Paths of the layers' trees, the topmost first. An image may have none.
fn layers(image: &ImageRoot) -> io::Result<Vec<CString>> {
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !image.layers.iter().all(|layer| is_id(&layer.id)) {
        // Anything else could be an option of the mount.
        return Err(Errno::EINVAL.into());
    }
    let paths = image.layers.iter().map(|layer| format!("/layers/{}/fs", layer.id));
    let paths = paths.chain(image.layers.is_empty().then(|| "/empty".to_owned()));
    Ok(paths.map(CString::new).collect::<Result<_, _>>()?)
}

/// Owner and mode as in the topmost layer that has it: what the overlay shows of a directory is its upper's.
fn look_like(own: &OwnedFd, layers: &[CString], name: &CStr) -> io::Result<()> {
    for layer in layers {
        let layer = sys::open_tree(AT_FDCWD, layer, 0)?;
        let Ok(found) = fstatat(&layer, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
        if is_folder(&found) {
            // Refused where that owner has no id in here: then it stays the job's.
            let _ = fchown(own, Some(Uid::from_raw(found.st_uid)), Some(Gid::from_raw(found.st_gid)));
            return Ok(fchmod(own, Mode::from_bits_truncate(found.st_mode & 0o777))?);
        }
    }
    Ok(())
}

fn is_folder(found: &FileStat) -> bool {
    found.st_mode & libc::S_IFMT == libc::S_IFDIR
}

/// By mount(2), which takes 4096 bytes of options: with fsconfig(2) kernels before 6.5 take 256.
fn overlay(layers: &[CString]) -> io::Result<OwnedFd> {
    let lower = layers.iter().map(|layer| layer.to_string_lossy()).collect::<Vec<_>>().join(":");
    let options = format!("lowerdir={lower},upperdir=/scratch/upper,workdir=/scratch/work,userxattr");
    mount(
        Some("overlay"),
        JOB,
        Some("overlay"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV,
        Some(options.as_str()),
    )?;
    sys::open_tree(AT_FDCWD, JOB, 0)
}
