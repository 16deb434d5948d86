//! Descriptors that are kept free for the next request. What of one finds no room in this process's table is gone
//! (unix(7), SCM_RIGHTS), and with a job's socket the one way to say so.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// A job's socket, and its plan where that is too large for a packet.
const ROOM: usize = 2;

/// Their numbers are taken by what stands for nothing.
#[derive(Debug)]
pub(super) struct Reserve(Vec<OwnedFd>);

impl Reserve {
    /// As long as the numbers are low: a limit that is lowered later does not take them away.
    pub(super) fn new() -> io::Result<Self> {
        let mut reserve = Self(Vec::new());
        reserve.take_back().map(|()| reserve)
    }

    /// Before a request is received.
    pub(super) fn give(&mut self) {
        self.0.clear();
    }

    /// After it; an error where there is no room for another request beside it.
    pub(super) fn take_back(&mut self) -> io::Result<()> {
        while self.0.len() < ROOM {
            self.0.push(io::stdin().as_fd().try_clone_to_owned()?);
        }
        Ok(())
    }
}
