//! What a running job is given by the service: somebody to tell, and room for its cases.

use std::sync::Arc;

use model::Happened;
use schedule::{Lease, Queue};
use supervise::{Changes, Lanes, Watch};

use crate::store::live::Live;

#[derive(Debug)]
pub(super) struct Watcher(pub(super) Arc<Live>);

impl Watch for Watcher {
    fn happened(&self, what: Happened) {
        self.0.happened(what);
    }

    fn changes(&self, changes: Changes) {
        self.0.changed.put(changes);
    }
}

#[derive(Debug)]
pub(super) struct Room {
    queue: Queue,
    lease: Arc<Lease>,
}

impl Room {
    pub(super) fn new(queue: Queue, lease: Arc<Lease>) -> Self {
        Self { queue, lease }
    }
}

impl Lanes for Room {
    fn more(&self, memory_bytes: u64, cpu_millis: u64) -> Option<Box<dyn Send + Sync>> {
        let extra = self.queue.more(&self.lease, memory_bytes, cpu_millis)?;
        Some(Box::new(extra))
    }
}
