//! A blob on its way in.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use rusqlite::params;
use sha2::{Digest as _, Sha256};
use tokio::sync::OwnedMutexGuard;

use super::{Hex, Holder, Lock, Mode, aside, locks};
use crate::Error;
use crate::tool::Expected;

/// Collected before the file is written, off the runtime's workers.
const PIECE: usize = 1 << 20;

/// The only writer of this blob on this host. Dropped, what was written stays, for the next to go on from.
#[derive(Debug)]
pub struct Incoming {
    expected: Expected,
    buffer: Vec<u8>,
    /// Away while a piece is being written; lost where that failed.
    part: Option<Part>,
}

#[derive(Debug)]
struct Part {
    holder: Holder,
    hex: Hex,
    file: File,
    hash: Sha256,
    written: u64,
    lock: Lock,
    _turn: OwnedMutexGuard<()>,
}

impl Holder {
    /// To write the blob, once nobody else does. `None`: it is there.
    pub(crate) async fn write(&self, blob: &Expected) -> Result<Option<Incoming>, Error> {
        let hex = Hex::parse(&blob.digest)?;
        let name = format!("blob-{}", hex.as_str());
        let turn = self.store().0.working.turn(&name).await;
        let lock = patiently(self.store().lock(&name)).await?;
        let (holder, expected) = (self.clone(), blob.clone());
        aside(move || {
            if holder.has_now(&expected)? {
                lock.remove()?;
                return Ok(None);
            }
            let (file, hash, written) = resume(&holder, &hex, expected.size)?;
            let part = Some(Part { holder, hex, file, hash, written, lock, _turn: turn });
            Ok(Some(Incoming { expected, buffer: Vec::new(), part }))
        })
        .await
    }

    /// A blob that this process has made or read whole.
    pub(crate) async fn put(&self, bytes: Vec<u8>) -> Result<Expected, Error> {
        let digest = Hex::of(&Sha256::digest(&bytes)).digest();
        let blob = Expected { digest, size: bytes.len() as u64 };
        if let Some(mut incoming) = self.write(&blob).await? {
            incoming.restart().await?;
            incoming.write(&bytes).await?;
            incoming.finish().await?;
        }
        Ok(blob)
    }

    /// A file that somebody else may have written: what counts is what is read from it here.
    pub(crate) async fn copy(
        &self,
        blob: &Expected,
        mut from: impl Read + Send + 'static,
    ) -> Result<(), Error> {
        let Some(mut incoming) = self.write(blob).await? else { return Ok(()) };
        incoming.restart().await?;
        let mut part = incoming.part.take().ok_or_else(lost)?;
        let size = blob.size;
        incoming.part = Some(
            aside(move || {
                part.fill(&mut from, size)?;
                Ok(part)
            })
            .await?,
        );
        incoming.finish().await
    }
}

impl Incoming {
    /// Bytes that are there already: the next to be written is the one with this offset.
    pub fn written(&self) -> u64 {
        self.part.as_ref().map_or(0, |part| part.written) + self.buffer.len() as u64
    }

    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.written().saturating_add(bytes.len() as u64) > self.expected.size {
            return Err(self.wrong_size(self.written() + bytes.len() as u64));
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE { self.flush().await } else { Ok(()) }
    }

    /// From the first byte again.
    pub async fn restart(&mut self) -> Result<(), Error> {
        self.buffer.clear();
        self.with(|part| {
            part.file.set_len(0)?;
            io::Seek::rewind(&mut part.file)?;
            (part.hash, part.written) = (Sha256::new(), 0);
            Ok(())
        })
        .await
    }

    /// It is in the store, if it is what it should be. Bytes that are not go; too few stay, to be gone on from.
    pub async fn finish(mut self) -> Result<(), Error> {
        self.flush().await?;
        if self.written() != self.expected.size {
            return Err(self.wrong_size(self.written()));
        }
        let (part, expected) = (self.part.take().ok_or_else(lost)?, self.expected);
        aside(move || part.place(&expected)).await
    }

    async fn flush(&mut self) -> Result<(), Error> {
        let bytes = std::mem::take(&mut self.buffer);
        self.with(move |part| part.append(&bytes)).await
    }

    async fn with(
        &mut self,
        work: impl FnOnce(&mut Part) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let mut part = self.part.take().ok_or_else(lost)?;
        let part = aside(move || {
            work(&mut part)?;
            Ok(part)
        });
        self.part = Some(part.await?);
        Ok(())
    }

    fn wrong_size(&self, found: u64) -> Error {
        let what = format!("the blob {}", self.expected.digest);
        Error::SizeMismatch { what, expected: self.expected.size, found }
    }
}

impl Part {
    fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// One byte more than it should have is enough to see that.
    fn fill(&mut self, from: &mut impl Read, size: u64) -> Result<(), Error> {
        let mut from = from.take(size.saturating_add(1));
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(read) => self.append(&piece[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// File, then row; both before the lock goes.
    fn place(self, expected: &Expected) -> Result<(), Error> {
        let store = self.holder.store();
        let found = Hex::of(&self.hash.finalize());
        if found != self.hex {
            std::fs::remove_file(store.partial_path(&self.hex))?;
            let (what, expected) = ("the content of a blob".to_owned(), self.hex.digest());
            return Err(Error::DigestMismatch { what, expected, found: found.digest() });
        }
        self.file.sync_all()?;
        let whole = store.blob_path(&self.hex);
        std::fs::rename(store.partial_path(&self.hex), &whole)?;
        File::open(whole.parent().unwrap_or(&whole))?.sync_all()?;
        store.db().write(|change| {
            let mut insert =
                change.prepare_cached("INSERT OR IGNORE INTO blobs (digest, bytes) VALUES (?, ?)")?;
            insert.execute(params![expected.digest, expected.size.cast_signed()])?;
            Ok(())
        })?;
        Ok(self.lock.remove()?)
    }
}

/// What an earlier writer has left counts as if it were written now.
fn resume(holder: &Holder, hex: &Hex, size: u64) -> Result<(File, Sha256, u64), Error> {
    let store = holder.store();
    let partial = store.partial_path(hex);
    // Whole, but for its row: whoever placed it did not live to say so.
    locks::missing_is_fine(std::fs::rename(store.blob_path(hex), &partial))?;
    let mut how = OpenOptions::new();
    let mut file = how.create(true).truncate(false).read(true).write(true).mode(0o600).open(partial)?;
    if file.metadata()?.len() > size {
        file.set_len(0)?;
    }
    let (mut hash, mut written, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((file, hash, written));
        }
        hash.update(&piece[..read]);
        written += read as u64;
    }
}

/// Another process may have it for minutes: a thread of its own waits, which the end of the runtime does not wait for.
pub(super) async fn patiently(path: PathBuf) -> Result<Lock, Error> {
    let quick = path.clone();
    if let Some(lock) = aside(move || Ok(Lock::attempt(quick)?)).await? {
        return Ok(lock);
    }
    let (taken, taking) = tokio::sync::oneshot::channel();
    let waiting = move || drop(taken.send(Lock::take(path, Mode::Exclusive)));
    std::thread::Builder::new().name("image-lock".into()).spawn(waiting)?;
    match taking.await {
        Ok(lock) => Ok(lock?),
        Err(_) => Err(Error::Internal("a thread that waited for a lock has ended".into())),
    }
}

fn lost() -> Error {
    Error::Internal("a blob is written after writing it has failed".into())
}
