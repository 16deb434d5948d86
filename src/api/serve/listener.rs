//! What is listened on, and what comes in there.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::peer::Peer;
use super::tls::Tls;

#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener, Option<Tls>),
    Unix(UnixListener),
}

/// A connection of which nothing was read.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) peer: Peer,
    pub(super) stream: Stream,
}

#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(TcpStream, Tls),
    Unix(UnixStream),
}

impl Listener {
    pub fn tcp(listener: TcpListener, tls: Option<Tls>) -> Self {
        Self(Kind::Tcp(listener, tls))
    }

    pub fn unix(listener: UnixListener) -> Self {
        Self(Kind::Unix(listener))
    }

    fn poll_accept(&self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        Poll::Ready(match &self.0 {
            Kind::Tcp(listener, tls) => {
                let (stream, address) = ready!(listener.poll_accept(context))?;
                // An answer is written in one piece; with Nagle's algorithm the next could wait 40 ms for its
                // acknowledgement.
                stream.set_nodelay(true)?;
                let stream = match tls {
                    Some(tls) => Stream::Tls(stream, tls.clone()),
                    None => Stream::Plain(stream),
                };
                Ok(Accepted { peer: Peer::Tcp(address), stream })
            }
            Kind::Unix(listener) => {
                let (stream, _) = ready!(listener.poll_accept(context))?;
                let uid = stream.peer_cred()?.uid();
                Ok(Accepted { peer: Peer::Unix { uid }, stream: Stream::Unix(stream) })
            }
        })
    }
}

/// All listeners. Each has its turn: a flood on one does not close the others.
#[derive(Debug)]
pub(super) struct Doors {
    listeners: Vec<Listener>,
    turn: usize,
}

impl Doors {
    pub(super) fn new(listeners: Vec<Listener>) -> Self {
        Self { listeners, turn: 0 }
    }

    /// Loses nothing when it is dropped before its end.
    pub(super) async fn accept(&mut self) -> io::Result<Accepted> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let (before, after) = self.listeners.split_at(self.turn);
        for listener in after.iter().chain(before) {
            self.turn = (self.turn + 1) % self.listeners.len();
            if let Poll::Ready(accepted) = listener.poll_accept(context) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}
