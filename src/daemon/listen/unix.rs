//! A socket in the file system (unix(7)), there for as long as it is listened on.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, UnixAddr, connect, listen, socket};

use crate::state;

/// For its owner and its group: connect(2) needs the right to write.
const MODE: u32 = 0o660;

/// The name of a socket, removed on drop.
#[derive(Debug)]
pub(crate) struct Name {
    path: PathBuf,
    /// Device and inode: by then the name may be another server's.
    file: (u64, u64),
}

/// Makes the folder where there is none. Takes the place of a socket that nobody listens on any more.
pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, Name)> {
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        state::make_folder(folder, 0o755)?;
    }
    let address = UnixAddr::new(path)?;
    let socket = match bound(&address) {
        Err(Errno::EADDRINUSE) if is_left_behind(path, &address) => {
            fs::remove_file(path)?;
            bound(&address)?
        }
        bound => bound?,
    };
    let name = Name { path: path.into(), file: identity(path)? };
    // Before it is listened on: until then nobody can connect.
    fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
    listen(&socket, Backlog::MAXCONN)?;
    Ok((socket.into(), name))
}

impl Name {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// As far as this process may: who was root and gave that up cannot remove a name from root's folder. What is left then
/// is in nobody's way.
impl Drop for Name {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|file| file == self.file)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::debug!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn stream() -> nix::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::Stream, flags, None)
}

fn bound(address: &UnixAddr) -> nix::Result<OwnedFd> {
    let socket = stream()?;
    socket::bind(socket.as_raw_fd(), address)?;
    Ok(socket)
}

/// What a server that was killed leaves: a socket that refuses. One that is only busy (EAGAIN) lives.
fn is_left_behind(path: &Path, address: &UnixAddr) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    is_socket && stream().is_ok_and(|probe| connect(probe.as_raw_fd(), address) == Err(Errno::ECONNREFUSED))
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    if found.file_type().is_socket() {
        Ok((found.dev(), found.ino()))
    } else {
        Err(ErrorKind::NotFound.into())
    }
}
