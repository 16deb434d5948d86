//! What a job has changed, on its way from the sandbox to whoever asked for it.

use std::sync::{Mutex, PoisonError};

use supervise::Changes;
use tokio::sync::Notify;

/// Room for one: the latest.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    latest: Mutex<Option<Changes>>,
    came: Notify,
}

impl Changed {
    pub(crate) fn put(&self, changes: Changes) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(changes);
        self.came.notify_one();
    }

    pub(crate) fn take(&self) -> Option<Changes> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) async fn next(&self) -> Changes {
        loop {
            if let Some(changes) = self.take() {
                return changes;
            }
            self.came.notified().await;
        }
    }
}
