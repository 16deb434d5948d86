//! Compiled policies on disk. Whoever can write here can run code as us, so nothing is believed that we did not sign.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hmac::{Hmac, KeyInit, Mac};
use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use sha2::{Digest, Sha256};
use wasmtime::Engine;

use crate::compile::Compiled;

type Signature = Hmac<Sha256>;

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 32;
/// More than any bundle names; the oldest go first.
const MOST_ENTRIES: usize = 64;

/// A folder of ours alone.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
}

impl Cache {
    /// Made where it is not there. An error means: go on without one.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let metadata = fs::symlink_metadata(folder)?;
        if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() || metadata.mode() & 0o077 != 0 {
            return Err(io::Error::other(format!("{} is not a folder of this user alone", folder.display())));
        }
        Ok(Self { key: key(&folder.join("key"))?, folder: folder.into() })
    }

    pub(crate) fn find(&self, engine: &Engine, digest: &str) -> Option<Compiled> {
        let path = self.entry(engine, digest);
        let mut bytes = Vec::new();
        open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).ok()?;
        let code = bytes.split_off(SIGNATURE_BYTES.min(bytes.len()));
        self.signature(&path, &code).verify_slice(&bytes).ok()?;
        Some(Compiled::authentic(code))
    }

    /// Whole or not at all: written beside, forced to disk, then renamed.
    pub(crate) fn keep(&self, engine: &Engine, digest: &str, code: &Compiled) -> io::Result<()> {
        let path = self.entry(engine, digest);
        let new = self.folder.join(format!("new-{}", std::process::id()));
        let written = (|| {
            let mut file = create(&new)?;
            file.write_all(&self.signature(&path, code.bytes()).finalize().into_bytes())?;
            file.write_all(code.bytes())?;
            file.sync_all()?;
            fs::rename(&new, &path)
        })();
        if written.is_err() {
            fs::remove_file(&new).ok();
        }
        self.prune();
        written
    }

    /// The name holds all that the code depends on: the component, wasmtime's version, the target and the engine's settings.
    fn entry(&self, engine: &Engine, digest: &str) -> PathBuf {
        let mut hasher = Hash(Sha256::new());
        std::hash::Hash::hash(&engine.precompile_compatibility_hash(), &mut hasher);
        let compatible = hasher.0.chain_update(digest).finalize();
        self.folder.join(format!("{}.cwasm", hex(&compatible)))
    }

    /// The name is signed with the contents: an entry cannot pass for another.
    fn signature(&self, path: &Path, code: &[u8]) -> Signature {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let new = <Signature as KeyInit>::new_from_slice(&self.key);
        let Ok(signature) = new else { unreachable!("HMAC takes keys of any length") };
        signature.chain_update(name).chain_update(code)
    }

    fn prune(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().filter_map(Result::ok);
        let is_code = |path: &Path| path.extension().is_some_and(|extension| extension == "cwasm");
        let mut all: Vec<(SystemTime, PathBuf)> = entries
            .filter(|entry| is_code(&entry.path()))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        all.sort();
        for (_, path) in &all[..all.len().saturating_sub(MOST_ENTRIES)] {
            fs::remove_file(path).ok();
        }
    }
}

/// std's hasher interface over SHA-256: the compatibility hash is only given to hashers, and must not depend on the process.
struct Hash(Sha256);

impl std::hash::Hasher for Hash {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Read where it is there; else made of the kernel's random numbers. Two that start at once agree on the first one written.
fn key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    if let Ok(key) = read_key(path) {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let linked = (|| {
        let mut file = create(&new)?;
        file.write_all(&key)?;
        file.sync_all()?;
        fs::hard_link(&new, path)
    })();
    fs::remove_file(&new).ok();
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => read_key(path),
    }
}

fn read_key(path: &Path) -> io::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    open(path)?.read_exact(&mut key)?;
    Ok(key)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

#[cfg(test)]
mod tests;
