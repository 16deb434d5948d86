//! What a job that waits waits for: its place, its cancellation, or the server's end.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use schedule::{Expired, Lease, Ticket};
use supervise::Order;
use tokio::sync::{mpsc, watch};

pub(super) enum Turn {
    Now(Lease),
    Later(Ticket),
}

impl Turn {
    /// Asked for now, not when the job's task first runs: tasks of two jobs may start in any order.
    pub(super) fn of(mut ticket: Ticket) -> Self {
        match Pin::new(&mut ticket).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(lease)) => Self::Now(lease),
            // One that expired at once says so again.
            Poll::Ready(Err(Expired)) | Poll::Pending => Self::Later(ticket),
        }
    }

    pub(super) fn is_later(&self) -> bool {
        matches!(self, Self::Later(_))
    }

    pub(super) async fn comes(self) -> Result<Lease, Expired> {
        match self {
            Self::Now(lease) => Ok(lease),
            Self::Later(ticket) => ticket.await,
        }
    }
}

pub(super) async fn stop(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
}

pub(super) async fn cancelled(inbox: &mut mpsc::Receiver<Order>) {
    while let Some(order) = inbox.recv().await {
        if order == Order::Cancel {
            return;
        }
    }
    std::future::pending::<()>().await;
}
