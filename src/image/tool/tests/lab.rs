//! A directory with a tree in it, something outside that must not change, and the tool in a thread.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use sandbox::{ImageIds, ToolCall, wire};

use super::super::{Caps, Compression, Expected, Refusal, TREE, Task, Told, Unpacked, run};

pub(super) const CAPS: Caps =
    Caps { bytes: 256 << 20, entries: 10_000, path_bytes: 4096, depth: 64, ratio: 100 };

#[derive(Debug)]
pub(super) struct Lab {
    pub(super) folder: PathBuf,
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// In memory, where many directories cost little.
    pub(super) fn in_memory() -> Self {
        let shared = Path::new("/dev/shm");
        if shared.is_dir() { Self::below(shared) } else { Self::new() }
    }

    fn below(folder: &Path) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stockade-tool-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = folder.join(name);
        fs::create_dir_all(folder.join("outside")).expect("a folder");
        fs::create_dir_all(folder.join("place").join(TREE)).expect("a folder");
        fs::write(folder.join("outside/secret"), "canary").expect("a file");
        Self { folder }
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.place().join(TREE)
    }

    pub(super) fn place(&self) -> PathBuf {
        self.folder.join("place")
    }

    pub(super) fn outside(&self) -> PathBuf {
        self.folder.join("outside")
    }

    /// A fresh tree from this archive; whatever comes of it, nothing outside has changed.
    pub(super) fn unpack(&self, archive: &[u8]) -> Result<Unpacked, (Refusal, String)> {
        self.unpack_as(archive, None, None, CAPS)
    }

    pub(super) fn unpack_as(
        &self,
        blob: &[u8],
        expected: Option<Expected>,
        diff_id: Option<String>,
        caps: Caps,
    ) -> Result<Unpacked, (Refusal, String)> {
        let _ = fs::remove_dir_all(self.tree());
        let before = seen(&self.outside());
        let task = Task::Unpack { compression: Compression::Unknown, blob: expected, diff_id, caps };
        let told = ask(&task, vec![file(blob), open(&self.place())]).pop().expect("an answer");
        assert_eq!(seen(&self.outside()), before, "the world outside has changed");
        match told {
            Told::Unpacked(unpacked) => Ok(unpacked),
            Told::Refused { code, detail } => Err((code, detail)),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn refusal(&self, archive: &[u8]) -> Refusal {
        self.unpack(archive).expect_err("refused").0
    }

    pub(super) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.tree().join(path)).expect(path)
    }

    pub(super) fn stat(&self, path: &str) -> fs::Metadata {
        fs::symlink_metadata(self.tree().join(path)).expect(path)
    }

    pub(super) fn has(&self, path: &str) -> bool {
        fs::symlink_metadata(self.tree().join(path)).is_ok()
    }

    pub(super) fn is_whiteout(&self, path: &str) -> bool {
        let stat = self.stat(path);
        stat.mode() & 0o170_000 == 0o020_000 && stat.rdev() == 0
    }

    pub(super) fn attribute(&self, path: &str, name: &str) -> Option<Vec<u8>> {
        let mut value = [0; 4096];
        let path = self.tree().join(path);
        let length = rustix::fs::lgetxattr(&path, name, &mut value).ok()?;
        Some(value[..length].to_vec())
    }

    pub(super) fn is_opaque(&self, path: &str) -> bool {
        self.attribute(path, "user.overlay.opaque").as_deref() == Some(b"y")
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Ids that whoever runs the tests may give away.
pub(super) fn ids() -> ImageIds {
    ImageIds { first: nix::unistd::geteuid().as_raw(), count: 1 }
}

pub(super) fn ask(task: &Task, fds: Vec<OwnedFd>) -> Vec<Told> {
    ask_with(task, fds, ids())
}

/// All that the tool says.
pub(super) fn ask_with(task: &Task, fds: Vec<OwnedFd>, ids: ImageIds) -> Vec<Told> {
    let (ours, socket) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("sockets");
    let task = postcard::to_stdvec(task).expect("a task");
    let tool = std::thread::spawn(move || run(ToolCall { socket, task, fds, ids }));
    let mut told = Vec::new();
    while let Some((message, _)) = wire::receive::<Told>(ours.as_fd()).expect("a message") {
        told.push(message);
    }
    tool.join().expect("the tool does not panic");
    told
}

pub(super) fn open(path: &Path) -> OwnedFd {
    File::open(path).expect("a folder").into()
}

pub(super) fn file(bytes: &[u8]) -> OwnedFd {
    wire::sealed(c"blob", bytes).expect("a memfd")
}

/// Everything about a tree that could have changed, save times of access.
pub(super) fn seen(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(path) = todo.pop() {
        let stat = fs::symlink_metadata(&path).expect("there");
        let contents = fs::read(&path).unwrap_or_default();
        if stat.is_dir() {
            todo.extend(fs::read_dir(&path).expect("readable").map(|entry| entry.expect("entry").path()));
        }
        let (mode, uid, gid) = (stat.mode(), stat.uid(), stat.gid());
        let times = (stat.mtime(), stat.mtime_nsec(), stat.ctime(), stat.ctime_nsec());
        let links = stat.nlink();
        all.insert(path, format!("{mode:o} {uid} {gid} {times:?} {links} {contents:?}"));
    }
    all
}

/// An archive, entry by entry.
#[derive(Debug, Default)]
pub(super) struct Tar(pub(super) Vec<u8>);

impl Tar {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn raw(mut self, header: &mut tar::Header, contents: &[u8]) -> Self {
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(contents);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub(super) fn entry(self, kind: u8, path: &[u8], link: &[u8], contents: &[u8]) -> Self {
        self.raw(&mut header(kind, path, link, contents.len() as u64), contents)
    }

    pub(super) fn file(self, path: &str, contents: &str) -> Self {
        self.entry(b'0', path.as_bytes(), b"", contents.as_bytes())
    }

    pub(super) fn dir(self, path: &str) -> Self {
        self.entry(b'5', path.as_bytes(), b"", b"")
    }

    pub(super) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(b'2', path.as_bytes(), target.as_bytes(), b"")
    }

    pub(super) fn link(self, path: &str, target: &str) -> Self {
        self.entry(b'1', path.as_bytes(), target.as_bytes(), b"")
    }

    pub(super) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut text = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            write!(text, "{length} {key}=").expect("memory");
            text.extend_from_slice(value);
            text.push(b'\n');
        }
        self.entry(b'x', b"PaxHeaders/x", b"", &text)
    }

    /// With the two blocks that end an archive.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

pub(super) fn header(kind: u8, path: &[u8], link: &[u8], size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    let old = header.as_old_mut();
    old.name[..path.len()].copy_from_slice(path);
    old.linkname[..link.len()].copy_from_slice(link);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(if kind == b'5' { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_size(size);
    header
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
