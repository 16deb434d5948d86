//! Connections. Not `axum::serve`, which gives hyper no timer: without one a client may take for ever over its headers.

mod connection;
mod listener;
mod peer;
mod tls;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use connection::Connection;
use listener::{Accepted, Doors};

pub use listener::Listener;
pub(crate) use peer::Peer;
pub use tls::{Tls, TlsError};

/// For requests under way when the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Further clients wait in the kernel's backlog instead of taking the descriptors that jobs need.
const MAX_CONNECTIONS: usize = 512;

/// Serves until `shutdown`, then lets requests under way end, for a while.
pub async fn serve(listeners: Vec<Listener>, router: Router, shutdown: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let graceful = GracefulShutdown::new();
    // Nothing is ever sent: its end tells handshakes to end.
    let (open, closing) = watch::channel(());
    let mut doors = Doors::new(listeners);
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&mut doors, &places) => accepted,
        };
        match accepted {
            Ok((accepted, place)) => {
                let connection = Connection { router: router.clone(), watcher: graceful.watcher(), place };
                tokio::spawn(connection.serve(accepted, closing.clone()));
            }
            Err(error) => refused(&error).await,
        }
    }
    drop((doors, open));
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {} s", GRACE.as_secs());
    }
}

async fn accept(doors: &mut Doors, places: &Arc<Semaphore>) -> io::Result<(Accepted, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    Ok((doors.accept().await?, place))
}

/// A client that left before it was accepted is no trouble; without descriptors (EMFILE) trying at once would only spin.
async fn refused(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected};
    let left = [ConnectionAborted, ConnectionRefused, ConnectionReset, InvalidInput, NotConnected];
    if !left.contains(&error.kind()) {
        tracing::error!("could not accept a connection: {error}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests;
