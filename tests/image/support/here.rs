use std::fs;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use image::registry::Settings;
use image::{Error, Images, Info, Options, Pull, Push, Silent, Worker, tool};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::geteuid;
use sandbox::{ImageIds, ToolCall};
use support::{Temp, eventually};
use tokio::runtime::Runtime;

/// A store of its own, with the tool in a thread.
pub(crate) struct Here {
    pub(crate) images: Images,
    runtime: Runtime,
    folder: Temp,
}

struct Thread;

impl Worker for Thread {
    fn start(&self, task: Vec<u8>, fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
        let (ours, socket) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
        let fds = fds.iter().map(BorrowedFd::try_clone_to_owned).collect::<io::Result<Vec<_>>>()?;
        // Who may give nothing away keeps it.
        let ids = ImageIds { first: geteuid().as_raw(), count: 1 };
        std::thread::spawn(move || tool::run(ToolCall { socket, task, fds, ids }));
        Ok(ours)
    }
}

impl Here {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    /// With what an operator has set. It has no credentials but those in its [`Here::auth_file`].
    pub(crate) fn with(set: impl FnOnce(&mut Settings)) -> Self {
        let folder = Temp::new();
        let file = folder.file("auth.json", "{}");
        let mut options = Options::new(folder.path().join("state"));
        options.registries.registry_auth_file = Some(file);
        set(&mut options.registries);
        let images = Images::open(options, Arc::new(Thread)).expect("a new store");
        Self { images, runtime: Runtime::new().expect("a runtime"), folder }
    }

    pub(crate) fn auth_file(&self) -> String {
        self.folder.path().join("auth.json").to_str().expect("text").to_owned()
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn pull(&self, reference: &str) -> Result<Info, Error> {
        let pull = Pull { reference: reference.to_owned(), tenant: None };
        self.wait(self.images.pull(pull, Arc::new(Silent)))
    }

    pub(crate) fn push(&self, reference: &str, to: &str) -> Result<String, Error> {
        let push = Push { reference: reference.to_owned(), tenant: None, to: Some(to.to_owned()) };
        self.wait(self.images.push(push, Arc::new(Silent)))
    }

    /// The tree of the image's layer with this number, the lowest being 0.
    pub(crate) fn tree(&self, reference: &str, number: usize) -> PathBuf {
        let resolved = self.wait(self.images.resolve(None, reference)).expect("it is there");
        let layer = resolved.layers.iter().rev().nth(number).expect("so many layers");
        self.folder.path().join("state/images/layers").join(&layer.id).join("fs")
    }

    /// A sweep leaves nothing of what nobody has, once work that was given up has come to its end.
    pub(crate) fn is_swept(&self) {
        eventually(Duration::from_secs(10), "the store is empty", || {
            self.wait(self.images.gc()).expect("a sweep");
            self.kept().is_empty().then_some(())
        });
    }

    fn kept(&self) -> Vec<PathBuf> {
        let folders = ["blobs/sha256", "incoming", "layers"];
        let images = self.folder.path().join("state/images");
        let entries = folders.iter().flat_map(|name| fs::read_dir(images.join(name)).expect("a folder"));
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }
}
