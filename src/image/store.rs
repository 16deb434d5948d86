//! What is on the disk.
//!
//! ```text
//! STATE/images/images.db           what there is; see schema/1.sql
//! STATE/images/blobs/sha256/HEX    layers as they came, manifests, configs
//! STATE/images/layers/ID/          trees, made and removed by the tool
//! STATE/images/incoming/           what is not whole: HEX a blob, HOLDER-N a file or a tree of that holder
//! STATE/images/locks/              flock(2): holders, one writer of a blob, one unpacking of a layer
//! STATE/images/leases/             flock(2), shared: images and volumes that jobs use
//! STATE/volumes/ID/                trees, written by jobs
//! ```
//!
//! **Invariants.** Several processes use one store at one time.
//! - The row is the truth. A file is there before its row, and goes after it; a file without a row is a leftover.
//! - Who brings something is a [`Holder`]: it pins what it counts on before it looks whether that is there, and what it
//!   makes before it makes it. A sweep leaves alone what a living holder has pinned.
//! - The id of a tree is never used twice. A blob's digest is, so its file is taken away while nobody else writes rows.
//! - An image's rows are made, with its name, at one instant, when all of it is there.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode as Permissions;

use crate::{Error, OpenError, Options};

pub(crate) mod blobs;
pub(crate) mod documents;
mod gc;
pub(crate) mod holder;
mod incoming;
mod keyed;
pub(crate) mod layers;
mod leases;
mod locks;
pub(crate) mod manifests;
pub(crate) mod names;
mod schema;

pub(crate) use blobs::Hex;
pub use gc::Freed;
pub(crate) use holder::Holder;
pub use incoming::Incoming;
pub use leases::Lease;
use leases::Leases;
use locks::{Lock, Mode};
pub(crate) use schema::Database;

#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    images: PathBuf,
    volumes: PathBuf,
    db: Database,
    leases: Leases,
    /// What is worked on in this process, so that who comes second waits without a thread.
    working: keyed::Locks,
}

impl Store {
    pub(crate) fn open(options: &Options) -> Result<Self, OpenError> {
        let (images, volumes) = (options.folder.join("images"), options.folder.join("volumes"));
        let folders = ["blobs/sha256", "incoming", "layers", "locks", "leases"].map(|name| images.join(name));
        for path in folders.iter().chain([&volumes]) {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
            made.map_err(|source| OpenError::Folder { path: path.clone(), source })?;
        }
        let lock = images.join("locks/open");
        let _alone = Lock::take(lock.clone(), Mode::Exclusive)
            .map_err(|source| OpenError::Folder { path: lock, source })?;
        let db = Database::open(images.join("images.db"))?;
        let leases = Leases::new(images.join("leases"));
        Ok(Self(Arc::new(Inner { images, volumes, db, leases, working: keyed::Locks::default() })))
    }

    pub(crate) fn db(&self) -> &Database {
        &self.0.db
    }

    pub(crate) fn leases(&self) -> &Leases {
        &self.0.leases
    }

    pub(crate) fn images(&self) -> &Path {
        &self.0.images
    }

    pub(crate) fn volumes(&self) -> &Path {
        &self.0.volumes
    }

    /// Held, nothing is swept.
    pub(crate) async fn sweeping(&self) -> Result<Lock, Error> {
        incoming::patiently(self.lock("sweep")).await
    }

    fn lock(&self, name: &str) -> PathBuf {
        self.0.images.join("locks").join(name)
    }

    /// Off the workers of the runtime: files and SQLite block.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = self.clone();
        aside(move || work(&store)).await
    }
}

/// The same, without the store.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::Internal(format!("work on the store of images was cut short: {error}"))),
    }
}

/// What takes its files with it as it goes.
pub(crate) async fn aside_drop(held: impl Send + 'static) {
    // It has gone also where the answer of the thread is lost.
    let _ = tokio::task::spawn_blocking(move || drop(held)).await;
}

/// Of one of the store's own folders, to be handed to the tool.
pub(crate) fn directory(path: &Path) -> io::Result<OwnedFd> {
    let how = OFlag::O_DIRECTORY | OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(open(path, how, Permissions::empty())?)
}

/// Makes the directory that a tree is made in. The tool makes the tree, and need not be this process's user: open to it by
/// mode, and to nobody else by what it stands in.
pub(crate) fn make_place(path: &Path) -> io::Result<OwnedFd> {
    DirBuilder::new().mode(0o700).create(path)?;
    // The umask has no say.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))?;
    directory(path)
}

/// Ten lower-case letters and digits: fifty bits, of which the store has at most some thousands.
pub(crate) fn new_id() -> Result<String, Error> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(random.iter().map(|byte| char::from(LETTERS[usize::from(byte & 31)])).collect())
}

/// As the database has times.
pub(crate) fn now() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}
