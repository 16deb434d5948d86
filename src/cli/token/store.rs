//! The token file under change: one writer at a time, and a reader sees it whole, before or after.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use api::tokens::{self, TokenFile};
use daemon::Owner;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;

use crate::output::Failure;

const LOCK: &str = "tokens.lock";
const HEAD: &str =
    "# The tokens that this server takes. `stockade token` writes it; a token itself is nowhere in it.\n\n";

#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    owner: Owner,
}

impl Store {
    pub(super) fn new(dir: &Path, owner: Owner) -> Self {
        Self { dir: dir.into(), owner }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.join(tokens::FILE)
    }

    /// None of them where there is no file.
    pub(super) fn read(&self) -> Result<TokenFile, Failure> {
        let read = TokenFile::read(&self.path()).map_err(|error| Failure::new(error.to_string()))?;
        Ok(read.unwrap_or_default())
    }

    /// What `change` makes of the file takes its place, unless it fails.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut TokenFile) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let failed =
            |error: io::Error| Failure::caused(&format!("cannot write {}", self.path().display()), &error);
        let lock = self.create(LOCK, false).map_err(failed)?;
        // Until it is closed.
        lock.lock().map_err(failed)?;
        let mut file = self.read()?;
        let done = change(&mut file)?;
        let text = toml::to_string(&file).map_err(|error| Failure::caused("cannot write TOML", &error))?;
        // By the rules that the daemon holds it to: it must never be what breaks the daemon's.
        TokenFile::parse(&self.path(), &text).map_err(|error| Failure::new(error.to_string()))?;
        self.replace(&(HEAD.to_owned() + &text)).map_err(failed)?;
        Ok(done)
    }

    fn replace(&self, text: &str) -> io::Result<()> {
        let new = format!("{}.new", tokens::FILE);
        // A writer that was killed may have left one. Behind the lock, so nobody is writing it now.
        match fs::remove_file(self.dir.join(&new)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => (),
        }
        let mut file = self.create(&new, true)?;
        file.write_all(text.as_bytes())?;
        if geteuid().is_root() {
            fchown(&file, Some(self.owner.uid), Some(self.owner.gid))?;
        }
        // On disk before it is found under its name, and found there after a power cut.
        file.sync_all()?;
        fs::rename(self.dir.join(&new), self.path())?;
        File::open(&self.dir)?.sync_all()
    }

    /// Never through a link: the folder may be that of a user who is not to be trusted with root's rights.
    fn create(&self, name: &str, new: bool) -> io::Result<File> {
        let mut how = OpenOptions::new();
        how.write(true).create(true).create_new(new).mode(0o600);
        how.custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits()).open(self.dir.join(name))
    }
}

#[cfg(test)]
mod tests;
