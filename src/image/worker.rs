//! Asking the tool.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sandbox::wire;
use tokio::sync::Semaphore;

use crate::Error;
use crate::store::{aside, directory};
use crate::tool::{Refusal, TREE, Task, Told};

/// Starts a process that runs [`crate::tool`] with this task and these descriptors. What comes back is the socket on which it
/// tells; closed, it ends.
pub trait Worker: Send + Sync {
    fn start(&self, task: Vec<u8>, fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd>;
}

/// Processes at one time. More would not be faster, and each may have half a gigabyte.
const AT_ONCE: usize = 4;

#[derive(Clone)]
pub(crate) struct Tool {
    worker: Arc<dyn Worker>,
    room: Arc<Semaphore>,
}

impl std::fmt::Debug for Tool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tool").finish_non_exhaustive()
    }
}

/// Nobody waits any more: the process sees its socket closed.
struct Waiting(UnixStream);

impl Drop for Waiting {
    fn drop(&mut self) {
        // It has closed it before, where all is well.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Tool {
    pub(crate) fn new(worker: Arc<dyn Worker>) -> Self {
        Self { worker, room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Its last word. `told` is called with each before that, and may stop it with an error.
    pub(crate) async fn ask(
        &self,
        task: &Task,
        fds: Vec<OwnedFd>,
        mut told: impl FnMut(Told) -> Result<(), Error> + Send + 'static,
    ) -> Result<Told, Error> {
        let task = postcard::to_extend(task, Vec::new()).map_err(|e| Error::Internal(e.to_string()))?;
        let _room = self.room.acquire().await.map_err(|e| Error::Internal(e.to_string()))?;
        let worker = Arc::clone(&self.worker);
        let socket = aside(move || {
            let fds: Vec<BorrowedFd<'_>> = fds.iter().map(|fd| fd.as_fd()).collect();
            Ok(UnixStream::from(worker.start(task, &fds)?))
        });
        let socket = socket.await?;
        let _waiting = Waiting(socket.try_clone()?);
        aside(move || {
            loop {
                match wire::receive::<Told>(socket.as_fd())? {
                    None => return Err(Error::Internal("the tool has ended without a word".into())),
                    Some((Told::Refused { code, detail }, _)) => return Err(refused(code, detail)),
                    Some((more @ (Told::Progress { .. } | Told::Member { .. }), _)) => told(more)?,
                    Some((end, _)) => return Ok(end),
                }
            }
        })
        .await
    }

    /// The trees in these places of one of the store's folders, and the places.
    pub(crate) async fn remove(&self, folder: &Path, places: Vec<String>) -> Result<(), Error> {
        for place in places {
            self.remove_one(folder.join(place)).await?;
        }
        Ok(())
    }

    async fn remove_one(&self, place: PathBuf) -> Result<(), Error> {
        // Made by a process that was killed before it had let the tool in: nothing is in it, and the tool could not look.
        let bare = place.clone();
        match aside(move || Ok(std::fs::remove_dir(bare).map_err(|error| error.kind()))).await? {
            Err(io::ErrorKind::DirectoryNotEmpty) => (),
            Ok(()) | Err(io::ErrorKind::NotFound) => return Ok(()),
            Err(kind) => return Err(io::Error::from(kind).into()),
        }
        let opened = directory(&place)?;
        let task = Task::Remove { names: vec![TREE.to_owned()] };
        match self.ask(&task, vec![opened], |_| Ok(())).await? {
            Told::Removed => aside(move || Ok(std::fs::remove_dir(place)?)).await,
            other => Err(unexpected(&other)),
        }
    }

    pub(crate) async fn make_volume(&self, place: OwnedFd) -> Result<(), Error> {
        match self.ask(&Task::MakeVolume, vec![place], |_| Ok(())).await? {
            Told::Made => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Bytes on disk.
    pub(crate) async fn measure(&self, tree: OwnedFd) -> Result<u64, Error> {
        match self.ask(&Task::Measure, vec![tree], |_| Ok(())).await? {
            Told::Measured { bytes, .. } => Ok(bytes),
            other => Err(unexpected(&other)),
        }
    }
}

pub(crate) fn unexpected(told: &Told) -> Error {
    Error::Internal(format!("the tool answered something else: {told:?}"))
}

fn refused(code: Refusal, detail: String) -> Error {
    match code {
        Refusal::Full => return Error::StoreFull,
        Refusal::Host => tracing::warn!(%detail, "the host could not do what an image needs"),
        _ => (),
    }
    Error::ArchiveRefused { code, detail }
}

#[cfg(test)]
mod tests {
    use super::{Error, Refusal, refused};

    #[test]
    fn a_full_disk_is_no_fault_of_ours() {
        assert!(matches!(refused(Refusal::Full, "no room".into()), Error::StoreFull));
    }
}
