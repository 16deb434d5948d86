use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ChildStderr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What a daemon logs. [`Log::text`] has all that was logged before it was asked for, also what the daemon wrote only just
/// before the answer that the test waited for.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Mutex<Kept>>);

#[derive(Debug)]
struct Kept {
    pipe: File,
    text: Vec<u8>,
    is_whole: bool,
}

impl Log {
    pub(crate) fn of(stderr: ChildStderr) -> Self {
        let pipe = OwnedFd::from(stderr);
        // The daemon's end is another description, which still blocks.
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("an own pipe");
        Self(Arc::new(Mutex::new(Kept { pipe: pipe.into(), text: Vec::new(), is_whole: false })))
    }

    pub(crate) fn text(&self) -> String {
        self.read().0
    }

    /// Waits for a line of which `found` makes something; `None` where the log ends before.
    pub(crate) fn wait_for<T>(&self, found: impl Fn(&str) -> Option<T>) -> Option<T> {
        loop {
            let (text, is_whole) = self.read();
            // The last one may still grow.
            let lines = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            match lines.lines().find_map(&found) {
                None if !is_whole => self.wait(),
                found => return found,
            }
        }
    }

    /// Reads on to the end, so that the daemon never waits for a reader.
    pub(crate) fn follow(&self) {
        let log = self.clone();
        std::thread::spawn(move || {
            while !log.read_on().is_whole {
                log.wait();
            }
        });
    }

    fn wait(&self) {
        let pipe = self.kept().pipe.try_clone().expect("a descriptor");
        let mut waited = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
        // A signal is no reason to give up: it is asked again.
        poll(&mut waited, PollTimeout::NONE).ok();
    }

    fn read(&self) -> (String, bool) {
        let kept = self.read_on();
        (String::from_utf8_lossy(&kept.text).into_owned(), kept.is_whole)
    }

    fn read_on(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept();
        let Kept { pipe, text, is_whole } = &mut *kept;
        match pipe.read_to_end(text) {
            Ok(_) => *is_whole = true,
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "an own pipe"),
        }
        kept
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
