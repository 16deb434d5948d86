//! Files that are locked: flock(2), which ends with its holder however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A lock that is held. Dropping it lets go.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

impl Lock {
    /// Waits for whoever has it.
    pub(crate) fn take(path: PathBuf, mode: Mode) -> io::Result<Self> {
        loop {
            let file = open(&path)?;
            match mode {
                Mode::Shared => file.lock_shared()?,
                Mode::Exclusive => file.lock()?,
            }
            if is_at(&file, &path)? {
                return Ok(Self { file, path });
            }
        }
    }

    /// `None`: somebody has it.
    pub(crate) fn attempt(path: PathBuf) -> io::Result<Option<Self>> {
        loop {
            let file = open(&path)?;
            match file.try_lock() {
                Ok(()) => (),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            if is_at(&file, &path)? {
                return Ok(Some(Self { file, path }));
            }
        }
    }

    /// Takes the file away with the lock, which must be exclusive: who waits for it looks for a new one.
    pub(crate) fn remove(self) -> io::Result<()> {
        missing_is_fine(std::fs::remove_file(&self.path))
    }
}

impl Drop for Lock {
    /// Closing alone would leave it to a process that is being started right now, and has the descriptor until it
    /// executes its program.
    fn drop(&mut self) {
        // Fails on no file that could be locked; closing lets go as well.
        let _ = self.file.unlock();
    }
}

/// Whether somebody holds it. A file that is not there is held by nobody.
pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        // As in [`Lock::drop`].
        Ok(()) => file.unlock().map(|()| false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

pub(crate) fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut how = OpenOptions::new();
    how.create(true).truncate(false).read(true).write(true).mode(0o600).open(path)
}

/// A lock on a file that has been removed meanwhile is worth nothing.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let held = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(there) => Ok((held.dev(), held.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
