use model::Status;

use super::{Records, Store};

/// A job that policies are being asked about. It counts as taken in already: of many jobs that come at one time, each is
/// decided in the knowledge of those before it.
#[derive(Debug)]
pub(crate) struct Seat {
    records: Records,
    tenant: String,
    memory: u64,
    left: bool,
}

impl Seat {
    pub(super) fn new(records: Records, store: &mut Store, tenant: &str, memory: u64) -> Self {
        store.load.moved(tenant, memory, None, Some(Status::Queued));
        Self { records, tenant: tenant.to_owned(), memory, left: false }
    }

    /// For the place that the job has on record.
    pub(super) fn leave(mut self, store: &mut Store) {
        self.left = true;
        store.load.moved(&self.tenant, self.memory, Some(Status::Queued), None);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.left {
            self.records.lock().load.moved(&self.tenant, self.memory, Some(Status::Queued), None);
        }
    }
}
