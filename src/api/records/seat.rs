use model::Status;

use super::Records;

/// A job that policies are being asked about. It counts as queued already: of many jobs that come at one time, each is
/// decided in the knowledge of those before it.
#[derive(Debug)]
pub(crate) struct Seat {
    records: Records,
    tenant: String,
    taken: bool,
}

impl Seat {
    pub(super) fn new(records: Records, tenant: &str) -> Self {
        Self { records, tenant: tenant.to_owned(), taken: false }
    }

    /// The job was taken in, and the seat's count is the job's now.
    pub(super) fn take(mut self) {
        self.taken = true;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.taken {
            self.records.lock().load.moved(&self.tenant, 0, Some(Status::Queued), None);
        }
    }
}
