//! Who is not taken in, and when to come again.

use std::time::Duration;

use super::{Core, pace};
use crate::room::Room;
use crate::{Reason, Refused};

impl Core {
    /// See [`crate::Backend::room`].
    pub(crate) fn room(&self, tenant: &str, now: Duration) -> Result<(), Refused> {
        self.open(tenant, true, now)?;
        let known = self.tenants.get(tenant);
        let first = known.is_none_or(|tenant| tenant.line.is_empty() && tenant.may_run());
        let starts = first && self.used.slots < Room::of_host(&self.capacity).slots;
        if starts { Ok(()) } else { self.overfull(tenant, 1, now).map_or(Ok(()), Err) }
    }

    /// What a job is refused for whether or not it must wait.
    pub(super) fn open(&self, tenant: &str, counted: bool, now: Duration) -> Result<(), Refused> {
        if self.stopping {
            return Err(Refused { reason: Reason::Stopping, retry_after: pace::RESTART });
        }
        if let Some(max) = self.quotas.of(tenant).max_per_minute.filter(|_| counted)
            && let Some(tenant) = self.tenants.get(tenant)
            && tenant.accepted.count(now) >= max
        {
            let retry_after = tenant.accepted.until_below(max, now);
            return Err(Refused { reason: Reason::TenantPerMinute { max }, retry_after });
        }
        Ok(())
    }

    /// Why no `further` job may wait, beside those that do.
    pub(super) fn overfull(&self, tenant: &str, further: usize, now: Duration) -> Option<Refused> {
        let known = self.tenants.get(tenant);
        let queued = known.map_or(0, |tenant| tenant.line.len()) + further;
        if let Some(max) = self.quotas.of(tenant).max_queued
            && queued > usize::try_from(max).unwrap_or(usize::MAX)
        {
            let started = known.map_or(0, |tenant| tenant.started.count(now));
            let retry_after = pace::until_next(started, now);
            return Some(Refused { reason: Reason::TenantQueued { max }, retry_after });
        }
        (self.waiting.len() + further > self.capacity.max_queued).then(|| {
            let retry_after = pace::until_next(self.started.count(now), now);
            Refused { reason: Reason::QueueFull, retry_after }
        })
    }
}
