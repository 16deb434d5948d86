//! Connections. Not `axum::serve`, which gives hyper no timer: without one a client may take for ever over its headers.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// For the headers of a request, and for the silence between two requests of one connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// For requests under way when the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Further clients wait in the kernel's backlog instead of taking the descriptors that jobs need.
const MAX_CONNECTIONS: usize = 512;
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Serves until `shutdown`, then lets requests under way end, for a while.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                tokio::spawn(connection(stream, router.clone(), graceful.watcher(), place));
            }
            Err(error) => refused(&error).await,
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {} s", GRACE.as_secs());
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // An answer is written in one piece; with Nagle's algorithm the next could wait 40 ms for its acknowledgement.
    stream.set_nodelay(true)?;
    Ok((stream, place))
}

/// A client that left before it was accepted is no trouble; without descriptors (EMFILE) trying at once would only spin.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | InvalidInput) {
        tracing::error!("could not accept a connection: {error}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn connection(stream: TcpStream, router: Router, watcher: Watcher, _place: OwnedSemaphorePermit) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(MAX_HEADER_BYTES);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("connection ended: {error}");
    }
}

#[cfg(test)]
mod tests;
