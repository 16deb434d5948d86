//! A state directory, the tool in a thread, and archives.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use sandbox::{ImageIds, ImageLayer, ToolCall};
use sha2::{Digest as _, Sha256};

use crate::store::Hex;
use crate::tool::Caps;
use crate::{Error, Images, Info, Options, Silent, Worker};

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stockade-image-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn images(&self) -> Images {
        open(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) const CAPS: Caps =
    Caps { bytes: 64 << 20, entries: 10_000, path_bytes: 4096, depth: 64, ratio: 100 };

pub(super) fn open(folder: &Path) -> Images {
    let options = Options { caps: CAPS, ..Options::new(folder) };
    Images::open(options, Arc::new(Thread::default())).expect("a store")
}

/// Counts what it was asked.
#[derive(Debug, Default)]
pub(super) struct Thread(pub(super) AtomicUsize);

impl Worker for Thread {
    fn start(&self, task: Vec<u8>, fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let fds = fds.iter().map(BorrowedFd::try_clone_to_owned).collect::<io::Result<_>>()?;
        let (ours, socket) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let ids = ImageIds { first: nix::unistd::geteuid().as_raw(), count: 1 };
        std::thread::spawn(move || crate::tool::run(ToolCall { socket, task, fds, ids }));
        Ok(ours)
    }
}

pub(super) fn file(bytes: &[u8]) -> File {
    let mut file = memory("archive");
    file.write_all(bytes).expect("written");
    file.rewind().expect("at its start");
    file
}

pub(super) fn memory(name: &str) -> File {
    let name = std::ffi::CString::new(name).expect("a name");
    let flags = nix::sys::memfd::MFdFlags::MFD_CLOEXEC;
    nix::sys::memfd::memfd_create(name.as_c_str(), flags).expect("a memfd").into()
}

pub(super) async fn import(images: &Images, archive: &[u8], name: Option<&str>) -> Result<Vec<Info>, Error> {
    images.import(file(archive), name, None, Arc::new(Silent)).await
}

/// A tar of files; a name that ends in `/` is a folder.
pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, contents) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        let is_folder = name.ends_with('/');
        header.set_mode(if is_folder { 0o755 } else { 0o644 });
        header.set_entry_type(if is_folder { tar::EntryType::Directory } else { tar::EntryType::Regular });
        out.append_data(&mut header, name, *contents).expect("appended");
    }
    out.into_inner().expect("a tar")
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("written");
    out.finish().expect("a gzip")
}

pub(super) fn digest(bytes: &[u8]) -> String {
    Hex::of(&Sha256::digest(bytes)).digest()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    digest(bytes)["sha256:".len()..].to_owned()
}

/// A root filesystem whose one file says which it is.
pub(super) fn rootfs(content: &str) -> Vec<u8> {
    tar(&[
        ("./", b""),
        ("./etc/", b""),
        ("./etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:7:7::/app:/bin/sh\n"),
        ("./content", content.as_bytes()),
    ])
}

pub(super) fn tree(folder: &Folder, layer: &ImageLayer) -> PathBuf {
    folder.path().join("images/layers").join(&layer.id).join("fs")
}

/// What is in the tree of a layer.
pub(super) fn read(folder: &Folder, layer: &ImageLayer, path: &str) -> String {
    let path = tree(folder, layer).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
