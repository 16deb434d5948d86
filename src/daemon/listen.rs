//! Where the server is reached: addresses as settings name them, what may be listened on, and the sockets.

mod unix;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;
use api::{Listener, Tls};
use nix::sys::socket::{Backlog, listen};

use crate::settings::ConfigError;

pub(crate) use unix::Name;

pub(crate) const DEFAULT: &str = "127.0.0.1:7070";
const UNIX: &str = "unix:";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Tcp(SocketAddr),
    /// A socket by this name, for who may write to it.
    Unix(PathBuf),
}

/// Listened on; nothing is accepted yet.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, Name),
}

/// What of the settings decides whether an address is a safe one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Safety {
    /// Tokens that are taken; `None` where nobody needs one.
    pub(crate) tokens: Option<usize>,
    pub(crate) tls: bool,
    pub(crate) allow_plaintext: bool,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let refused = |detail: String| {
            let hint = "write it as `127.0.0.1:7070`, `[::1]:7070` or `unix:/run/stockade/stockade.sock`";
            ConfigError::setting("listen", detail, hint)
        };
        if let Some(path) = text.strip_prefix(UNIX).map(PathBuf::from) {
            let plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
            let plain = plain && path.file_name().is_some();
            return plain.then_some(Self::Unix(path)).ok_or_else(|| {
                refused(format!("`{text}` does not name a file by its path from `/`, without `..`"))
            });
        }
        let address =
            text.parse().map_err(|_| refused(format!("`{text}` is not an IP address with a port")))?;
        Ok(Self::Tcp(address))
    }

    /// Whoever reaches the server may run code here, so nobody does without having shown who they are.
    pub(crate) fn check(&self, safety: Safety) -> Result<(), ConfigError> {
        let Self::Tcp(address) = self else { return Ok(()) };
        let ip = address.ip().to_canonical();
        if ip.is_loopback() {
            return Ok(());
        }
        if safety.tokens.unwrap_or(0) == 0 {
            let detail =
                format!("{ip} is not a loopback address, and there are no tokens to tell callers by");
            let hint = "make one with `stockade token new --tenant NAME`, or listen on `127.0.0.1`";
            return Err(ConfigError::setting("listen", detail, hint));
        }
        if !safety.tls && !safety.allow_plaintext {
            let detail =
                format!("{ip} is not a loopback address, and without TLS tokens could be read on the way");
            let hint = "set `tls_cert` and `tls_key`; where a proxy in front of this server does TLS, \
                        `allow_plaintext = true`";
            return Err(ConfigError::setting("listen", detail, hint));
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Tcp(_) => None,
            Self::Unix(path) => Some(path),
        }
    }

    pub(crate) fn bind(&self) -> anyhow::Result<Socket> {
        let bound = match self {
            Self::Tcp(address) => tcp(*address).map(Socket::Tcp),
            Self::Unix(path) => unix::bind(path).map(|(listener, name)| Socket::Unix(listener, name)),
        };
        bound.with_context(|| format!("cannot listen on {self}"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// The standard library's queue is for 128 clients; whoever comes while it is full waits a second for the next try.
fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

impl Socket {
    /// With port 0 the kernel's choice.
    pub(crate) fn url(&self, tls: bool) -> io::Result<String> {
        Ok(match self {
            Self::Tcp(listener) => {
                let scheme = if tls { "https" } else { "http" };
                format!("{scheme}://{}", listener.local_addr()?)
            }
            Self::Unix(_, name) => format!("{UNIX}{}", name.path().display()),
        })
    }

    /// For a runtime to accept from, and what to keep for as long as it does.
    pub(crate) fn open(self, tls: Option<&Tls>) -> io::Result<(Listener, Option<Name>)> {
        Ok(match self {
            Self::Tcp(listener) => {
                (Listener::tcp(tokio::net::TcpListener::from_std(listener)?, tls.cloned()), None)
            }
            Self::Unix(listener, name) => {
                (Listener::unix(tokio::net::UnixListener::from_std(listener)?), Some(name))
            }
        })
    }
}

#[cfg(test)]
mod tests;
