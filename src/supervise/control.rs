//! The daemon's end of one job's socket.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sandbox::protocol::{Order, Report};
use sandbox::wire;
use tokio::io::Interest;
use tokio::net::UnixDatagram;

/// Closing it ends the sandbox, whatever runs in it.
///
/// It is `SOCK_SEQPACKET`, for which tokio has no type; only readiness is asked of the datagram type.
#[derive(Debug)]
pub(crate) struct Control(UnixDatagram);

impl Control {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        let socket = std::os::unix::net::UnixDatagram::from(socket);
        socket.set_nonblocking(true)?;
        Ok(Self(UnixDatagram::from_std(socket)?))
    }

    /// Orders are few and small, so the socket's buffer always has room for one more.
    pub(crate) fn send(&self, order: &Order, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        wire::send(self.0.as_fd(), order, fds)
    }

    /// Whether both launcher and init have closed their ends; what they sent before can still be received.
    pub(crate) fn is_closed(&self) -> bool {
        let mut socket = [PollFd::new(self.0.as_fd(), PollFlags::empty())];
        // A hang-up is told unasked (poll(2)).
        matches!(poll(&mut socket, PollTimeout::ZERO), Ok(1..))
    }

    /// `None` when both launcher and init have closed their ends.
    pub(crate) async fn receive(&self) -> io::Result<Option<(Report, Vec<OwnedFd>)>> {
        let receive = || match wire::receive(self.0.as_fd()) {
            // Told once, where the other end was closed with orders unread; what it had sent before comes after.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => wire::receive(self.0.as_fd()),
            received => received,
        };
        self.0.async_io(Interest::READABLE, receive).await
    }
}
