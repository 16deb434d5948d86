//! Callbacks: the finished job, posted to the URL that came with it, signed as by Standard Webhooks.
//!
//! The journal's outbox has what is still to be sent, written in the transaction that ended the job, so a restart loses
//! none. It is at least once: a daemon that dies between an answer and its note of it sends again; `webhook-id`, the job's
//! id, tells the receiver. A status of 2xx is the end of it, and so is 410; all else is tried again, see `backoff`.

mod address;
mod backoff;
mod delivery;
mod outbox;
mod post;
mod sign;
mod target;
mod tls;

use std::sync::Arc;

use journal::Journal;
use model::{Callback, FieldError, pointer};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

pub use address::{Allow, AllowError};
use outbox::Outbox;
use post::Poster;
use target::Target;

/// What sends callbacks, in a task of its own that ends with the last of these.
#[derive(Clone, Debug)]
pub(crate) struct Callbacks(Arc<Sending>);

#[derive(Debug)]
struct Sending {
    allow: Vec<Allow>,
    wake: Arc<Notify>,
    task: AbortHandle,
}

impl Callbacks {
    /// Goes on with what the journal has. `allow` are the addresses that are allowed beside public ones.
    pub(crate) fn start(journal: Journal, allow: &[Allow]) -> Self {
        let wake = Arc::new(Notify::new());
        let outbox = Outbox::new(journal, Poster::new(allow.to_vec()), Arc::clone(&wake));
        let task = tokio::spawn(outbox.run()).abort_handle();
        Self(Arc::new(Sending { allow: allow.to_vec(), wake, task }))
    }

    /// To be called when the end of a job with a callback is committed.
    pub(crate) fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// What can be said against a callback when its job arrives. Where a name leads is known only when it is called.
    pub(crate) fn check(&self, callback: &Callback) -> Result<(), FieldError> {
        let checked = Target::parse(&callback.url).and_then(|target| target.check(&self.0.allow));
        checked.map_err(|error| FieldError {
            pointer: pointer(["callback", "url"]),
            code: "invalid",
            detail: error.to_string(),
        })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests;
