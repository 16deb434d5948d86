use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};

/// A port that refuses connections for as long as this lives: it is taken, and nobody listens.
#[derive(Debug)]
pub struct Deaf {
    _taken: OwnedFd,
    address: SocketAddr,
}

impl Deaf {
    #[expect(clippy::new_without_default, reason = "each one is another")]
    pub fn new() -> Self {
        let taken =
            socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        bind(taken.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port");
        let bound: SockaddrIn = getsockname(taken.as_raw_fd()).expect("an address");
        Self { _taken: taken, address: ([127, 0, 0, 1], bound.port()).into() }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
