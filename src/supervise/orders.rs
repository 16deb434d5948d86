//! What is asked of a job while it runs, and whether it is held back.

use std::sync::Arc;

use model::Happened;
use tokio::sync::mpsc;

use crate::broken::Broken;
use crate::{Order, Watch};

/// The orders of one job, or of one of its cases.
pub(crate) struct Orders {
    inbox: mpsc::Receiver<Order>,
    watch: Arc<dyn Watch>,
    /// Without a freezer a pause would be a lie, so it is no order at all.
    can_pause: bool,
    paused: bool,
    cancelled: bool,
}

/// An order that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Signal(i32),
    Cancel,
    Pause,
    Resume,
    Changes,
}

impl Orders {
    pub(crate) fn new(inbox: mpsc::Receiver<Order>, watch: Arc<dyn Watch>, can_pause: bool) -> Self {
        Self { inbox, watch, can_pause, paused: false, cancelled: false }
    }

    /// For another run of the job, which is not held back until it is asked to be.
    pub(crate) fn afresh(self) -> Self {
        Self { paused: false, ..self }
    }

    pub(crate) fn into_inbox(self) -> mpsc::Receiver<Order> {
        self.inbox
    }

    pub(crate) fn are_paused(&self) -> bool {
        self.paused
    }

    /// Waits for ever once nobody can order anything. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Wish {
        while let Some(order) = self.inbox.recv().await {
            match order {
                Order::Signal(number) => return Wish::Signal(number),
                Order::Cancel => {
                    self.cancelled = true;
                    return Wish::Cancel;
                }
                Order::Pause if self.can_pause && !self.paused => {
                    self.paused = true;
                    self.watch.happened(Happened::Paused);
                    return Wish::Pause;
                }
                Order::Resume if self.paused => {
                    self.paused = false;
                    self.watch.happened(Happened::Resumed);
                    return Wish::Resume;
                }
                Order::Changes if self.paused => return Wish::Changes,
                Order::Pause | Order::Resume | Order::Changes => (),
            }
        }
        std::future::pending().await
    }

    /// Whether the job is to end, also by an order that nobody has come to read. To be asked when it has no program any more:
    /// what else was ordered is dropped.
    pub(crate) fn is_cancelled(&mut self) -> bool {
        while !self.cancelled
            && let Ok(order) = self.inbox.try_recv()
        {
            self.cancelled = order == Order::Cancel;
        }
        self.cancelled
    }

    /// Where there is no program to be signalled or frozen: keeps count of pauses until the job is to end.
    pub(crate) async fn cancelled(&mut self) {
        while self.next().await != Wish::Cancel {}
    }

    /// Before the next program: at once, unless the job is held back.
    pub(crate) async fn until_resumed(&mut self) -> Result<(), Broken> {
        while self.paused {
            if self.next().await == Wish::Cancel {
                return Err(Broken::Cancelled);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
