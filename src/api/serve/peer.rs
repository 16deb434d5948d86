use std::fmt;
use std::net::SocketAddr;

/// Who is at the other end of a connection, by the kernel's word. An extension of every request that came over one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Tcp(SocketAddr),
    /// The user who connected, as this process sees them (`SO_PEERCRED`, unix(7)).
    Unix {
        uid: u32,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Without the port, which says nothing about who it is.
            Self::Tcp(address) => address.ip().to_canonical().fmt(f),
            Self::Unix { uid } => write!(f, "uid:{uid}"),
        }
    }
}
