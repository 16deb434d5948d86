//! What tenants are sending right now: it takes disk before it counts as theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::BlobError;

#[derive(Debug, Default)]
pub(super) struct Sending(Mutex<HashMap<String, u64>>);

/// One upload's part of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Part {
    all: Arc<Sending>,
    tenant: String,
    bytes: u64,
    /// The tenant's finished uploads as this one began.
    used: u64,
    most: u64,
}

impl Sending {
    pub(super) fn of(self: &Arc<Self>, tenant: &str, used: u64, most: u64) -> Part {
        Part { all: Arc::clone(self), tenant: tenant.to_owned(), bytes: 0, used, most }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    pub(super) fn tenant(&self) -> &str {
        &self.tenant
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn most(&self) -> u64 {
        self.most
    }

    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), BlobError> {
        let mut all = self.all.lock();
        let sent = all.get(&self.tenant).copied().unwrap_or_default().saturating_add(bytes);
        if self.used.saturating_add(sent) > self.most {
            return Err(BlobError::Quota { allowed: self.most });
        }
        all.insert(self.tenant.clone(), sent);
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut all = self.all.lock();
        let left = all.get(&self.tenant).copied().unwrap_or_default().saturating_sub(self.bytes);
        if left == 0 {
            all.remove(&self.tenant);
        } else {
            all.insert(self.tenant.clone(), left);
        }
    }
}
