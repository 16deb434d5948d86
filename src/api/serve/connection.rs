//! One connection, from its first byte to its last.

use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_rustls::server::TlsStream;

use super::listener::{Accepted, Stream};
use super::peer::Peer;
use super::tls::Tls;

/// For the headers of a request, and for the silence between two requests of one connection.
pub(super) const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// For both sides of a TLS handshake, all of it.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_HEADER_BYTES: usize = 64 << 10;

pub(super) struct Connection {
    pub(super) router: Router,
    pub(super) watcher: Watcher,
    /// Held to the end.
    pub(super) place: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) async fn serve(self, accepted: Accepted, closing: watch::Receiver<()>) {
        let Accepted { peer, stream } = accepted;
        match stream {
            Stream::Plain(stream) => self.http(stream, peer).await,
            Stream::Unix(stream) => self.http(stream, peer).await,
            Stream::Tls(stream, tls) => {
                if let Some(stream) = handshake(stream, &tls, closing).await {
                    self.http(stream, peer).await;
                }
            }
        }
    }

    async fn http<S>(self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { router, watcher, place: _place } = self;
        let router = TowerToHyperService::new(router);
        let told = service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADER_BYTES);
        if let Err(error) = watcher.watch(http.serve_connection(TokioIo::new(stream), told)).await {
            tracing::debug!(%peer, "connection ended: {error}");
        }
    }
}

/// `None` where it failed, took too long, or the server stops. There is no request yet that could be lost.
async fn handshake(
    stream: TcpStream,
    tls: &Tls,
    mut closing: watch::Receiver<()>,
) -> Option<TlsStream<TcpStream>> {
    let shaken = tokio::select! {
        _ = closing.changed() => return None,
        shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.handshake(stream)) => shaken,
    };
    let failed = match shaken {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => error.to_string(),
        Err(late) => late.to_string(),
    };
    tracing::debug!("TLS handshake failed: {failed}");
    None
}
