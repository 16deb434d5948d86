use std::fs;
use std::path::Path;

use tar::{Builder, EntryType, Header};

/// A root filesystem as a tar, with whatever an image could hold.
pub(crate) struct Rootfs(Builder<Vec<u8>>);

const APPLETS: [&str; 13] =
    ["cat", "chmod", "echo", "id", "ls", "mkdir", "mkfifo", "rm", "sh", "sleep", "test", "true", "wc"];

impl Rootfs {
    /// Debian's static busybox and nothing else.
    pub(crate) fn bare() -> Self {
        let busybox = fs::read("/bin/busybox").expect("Debian: busybox-static");
        let bare = Self(Builder::new(Vec::new())).file("bin/busybox", 0o755, &busybox);
        APPLETS.iter().fold(bare, |root, applet| root.link(&format!("bin/{applet}"), "busybox"))
    }

    /// With what a well-behaved image has.
    pub(crate) fn whole() -> Self {
        let passwd = b"root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n";
        Self::bare()
            .file("etc/passwd", 0o644, passwd)
            .file("etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n")
            .folder("tmp", 0o1777)
    }

    pub(crate) fn file(self, path: &str, mode: u32, content: &[u8]) -> Self {
        self.entry(EntryType::Regular, path, mode, content)
    }

    pub(crate) fn folder(self, path: &str, mode: u32) -> Self {
        self.entry(EntryType::Directory, path, mode, b"")
    }

    pub(crate) fn link(mut self, path: &str, to: &str) -> Self {
        let mut header = header(EntryType::Symlink, 0o777, 0);
        self.0.append_link(&mut header, path, Path::new(to)).expect("memory");
        self
    }

    /// That everybody may open.
    pub(crate) fn device(mut self, path: &str, kind: EntryType, (major, minor): (u32, u32)) -> Self {
        let mut header = header(kind, 0o666, 0);
        header.set_device_major(major).expect("a ustar header");
        header.set_device_minor(minor).expect("a ustar header");
        self.0.append_data(&mut header, path, &b""[..]).expect("memory");
        self
    }

    /// Of the entry that comes next, as GNU tar and libarchive write it.
    pub(crate) fn attribute(mut self, name: &str, value: &[u8]) -> Self {
        let key = format!("SCHILY.xattr.{name}");
        self.0.append_pax_extensions([(key.as_str(), value)]).expect("memory");
        self
    }

    pub(crate) fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("memory")
    }

    fn entry(mut self, kind: EntryType, path: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = header(kind, mode, content.len() as u64);
        self.0.append_data(&mut header, path, content).expect("memory");
        self
    }
}

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header
}
