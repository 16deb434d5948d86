//! Why a file cannot be read.

use std::io::{self, ErrorKind};
use std::path::Path;

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

/// In words, and what mends it: `remedy`, unless this process shut itself off from the file. landlock(7) refuses with the
/// error that a mode gives, but is not asked by faccessat(2).
pub(crate) fn told(error: &io::Error, path: &Path, remedy: String) -> (String, String) {
    let is_users = || faccessat(AT_FDCWD, path, AccessFlags::R_OK, AtFlags::AT_EACCESS).is_ok();
    if error.kind() != ErrorKind::PermissionDenied || !is_users() {
        return (error.to_string(), remedy);
    }
    let reason = format!("{error}: it lies outside of what this process could read when it started");
    let remedy = "restart it; what is read again without a restart lies in the folders of what was read at the start, and \
                  a link on the way to one of them counts as where it led then";
    (reason, remedy.into())
}
