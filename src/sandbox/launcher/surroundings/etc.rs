//! The part of `/etc` that programs need to work, read once at start: copies cost no mount per job.

#![expect(clippy::disallowed_methods, reason = "before any job exists, on the host's own files")]

use std::ffi::{CStr, OsStr};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Only these, and of these only what everybody may read: no host names, accounts, keys or service configuration.
const LISTED: [&str; 22] = [
    "alternatives",
    "bash.bashrc",
    "ca-certificates.conf",
    "ethertypes",
    "fonts",
    "gai.conf",
    "inputrc",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "perl",
    "pki",
    "protocols",
    "services",
    "ssl",
    "terminfo",
    "timezone",
];
/// What every sandbox has, whatever its root is made of.
pub(crate) const OWN_NAMES: [(&CStr, &str); 3] = [
    (c"hosts", "127.0.0.1 localhost stockade\n::1 localhost stockade\n"),
    (c"hostname", "stockade\n"),
    (c"resolv.conf", "# no network\n"),
];
/// Of our own making. `nsswitch.conf` names no service that would need a socket of the host.
const OWN: [(&str, &str); 4] = [
    (
        "passwd",
        "root:x:0:0:root:/tmp:/bin/sh\njob:x:1000:1000:job:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    ),
    ("group", "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"),
    ("shells", "/bin/sh\n/bin/bash\n"),
];
/// All of it together, held in the launcher's tmpfs.
const MOST_BYTES: u64 = 16 << 20;
const MOST_DEPTH: usize = 8;

pub(super) enum Entry {
    Folder(PathBuf),
    Link(PathBuf, PathBuf),
    File(PathBuf, Vec<u8>),
}

pub(super) fn read() -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut left = MOST_BYTES;
    for name in LISTED {
        read_below(Path::new("/etc"), Path::new(name), MOST_DEPTH, &mut left, &mut entries)?;
    }
    Ok(entries)
}

fn read_below(
    etc: &Path,
    name: &Path,
    depth: usize,
    left: &mut u64,
    entries: &mut Vec<Entry>,
) -> io::Result<()> {
    let path = etc.join(name);
    let Ok(meta) = fs::symlink_metadata(&path) else { return Ok(()) };
    let for_everybody = |bits| meta.permissions().mode() & bits == bits;
    if meta.is_symlink() {
        entries.push(Entry::Link(name.into(), fs::read_link(&path)?));
    } else if meta.is_dir() && for_everybody(0o005) && depth > 0 {
        entries.push(Entry::Folder(name.into()));
        for entry in fs::read_dir(&path)? {
            read_below(etc, &name.join(entry?.file_name()), depth - 1, left, entries)?;
        }
    } else if meta.is_file() && for_everybody(0o004) && meta.len() <= *left {
        *left -= meta.len();
        entries.push(Entry::File(name.into(), fs::read(&path)?));
    }
    Ok(())
}

pub(super) fn write(entries: &[Entry], etc: &Path) -> io::Result<()> {
    for entry in entries {
        match entry {
            Entry::Folder(name) => fs::create_dir(etc.join(name))?,
            Entry::Link(name, target) => symlink(target, etc.join(name))?,
            Entry::File(name, contents) => fs::write(etc.join(name), contents)?,
        }
    }
    let names = OWN_NAMES.iter().map(|(name, text)| (OsStr::from_bytes(name.to_bytes()), text));
    let own = OWN.iter().map(|(name, text)| (OsStr::new(name), text));
    own.chain(names).try_for_each(|(name, text)| fs::write(etc.join(name), text))
}
