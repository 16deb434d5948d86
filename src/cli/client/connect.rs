use std::io;
use std::path::Path;
use std::time::Duration;

use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::tls::Tls;
use super::{CallError, Outgoing, Server};
use crate::output::Failure;

/// For the connection and its TLS handshake; an answer may take as long as the job does.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type Connection = SendRequest<Outgoing>;

#[derive(Debug)]
pub(crate) struct Connector {
    tls: Option<Tls>,
}

impl Connector {
    pub(crate) fn new(server: &Server, cacert: Option<&Path>) -> Result<Self, Failure> {
        let tls = match server {
            Server::Tcp { host, tls: true, .. } => Some(Tls::new(host, cacert)?),
            Server::Tcp { .. } | Server::Unix(_) => None,
        };
        Ok(Self { tls })
    }

    pub(crate) async fn connect(&self, server: &Server) -> Result<Connection, CallError> {
        let late = |_| CallError::Connect { server: server.clone(), source: io::ErrorKind::TimedOut.into() };
        timeout(PATIENCE, self.open(server)).await.map_err(late)?
    }

    async fn open(&self, server: &Server) -> Result<Connection, CallError> {
        let failed = |source| CallError::Connect { server: server.clone(), source };
        match server {
            Server::Unix(path) => speak(server, UnixStream::connect(path).await.map_err(failed)?).await,
            Server::Tcp { host, port, .. } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
                stream.set_nodelay(true).and_then(|()| keep_alive(&stream)).map_err(failed)?;
                let Some(tls) = &self.tls else { return speak(server, stream).await };
                let refused = |source| CallError::Tls { server: server.clone(), source };
                speak(server, tls.handshake(stream).await.map_err(refused)?).await
            }
        }
    }
}

/// A followed job may print nothing for hours; a server that is gone without a word is noticed within half a minute.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    setsockopt(stream, sockopt::KeepAlive, &true)?;
    setsockopt(stream, sockopt::TcpKeepIdle, &15)?;
    setsockopt(stream, sockopt::TcpKeepInterval, &5)?;
    Ok(setsockopt(stream, sockopt::TcpKeepCount, &3)?)
}

async fn speak<S>(server: &Server, stream: S) -> Result<Connection, CallError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let broken = |source| CallError::Broken { server: server.clone(), source };
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // What goes wrong there is told to whoever reads the answer.
    tokio::spawn(async { connection.await.ok() });
    Ok(sender)
}
