//! Limits as the kernel's words: which file of which version takes which number.

use std::os::fd::BorrowedFd;

use model::CgroupLimits;
use nix::errno::Errno;

use super::{
    dir,
    error::CgroupError,
    find::{Controller, Swap},
};

/// `cpu.max` and the v1 default alike.
const PERIOD_US: f64 = 100_000.0;

/// `sched_cfs_period_timer` refuses anything shorter.
const SHORTEST_QUOTA_US: u64 = 1000;

/// One directory about to be limited, with what is needed for a message.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) at: BorrowedFd<'a>,
    pub(super) controllers: &'a [Controller],
    pub(super) label: &'a str,
    pub(super) swap: Swap,
}

impl Target<'_> {
    fn has(&self, controller: Controller) -> bool {
        self.controllers.contains(&controller)
    }

    fn put(&self, file: &str, value: &str) -> Result<(), CgroupError> {
        dir::put(self.at, file, value).map_err(CgroupError::at("set", self.label, file))
    }

    pub(super) fn limit_v2(&self, limits: &CgroupLimits) -> Result<(), CgroupError> {
        if let Some(bytes) = limits.memory_bytes
            && self.has(Controller::Memory)
        {
            self.put("memory.max", &bytes.to_string())?;
            if self.swap == Swap::Limited {
                self.put("memory.swap.max", "0")?;
            }
        }
        if let Some(pids) = limits.pids
            && self.has(Controller::Pids)
        {
            self.put("pids.max", &pids.to_string())?;
        }
        if self.has(Controller::Cpu) {
            if let Some(cpus) = limits.cpus {
                self.put("cpu.max", &format!("{} {PERIOD_US}", quota_us(cpus)))?;
            }
            if let Some(weight) = limits.cpu_weight {
                self.put("cpu.weight", &weight.to_string())?;
            }
        }
        Ok(())
    }

    pub(super) fn limit_v1(&self, limits: &CgroupLimits) -> Result<(), CgroupError> {
        if let Some(bytes) = limits.memory_bytes
            && self.has(Controller::Memory)
        {
            let bytes = bytes.to_string();
            // In this order: memory and swap together may never be less than memory.
            self.put("memory.limit_in_bytes", &bytes)?;
            if self.swap == Swap::Limited {
                self.put("memory.memsw.limit_in_bytes", &bytes)?;
            }
        }
        if let Some(pids) = limits.pids
            && self.has(Controller::Pids)
        {
            self.put("pids.max", &pids.to_string())?;
        }
        if self.has(Controller::Cpu) {
            if let Some(cpus) = limits.cpus {
                self.quota_v1(quota_us(cpus))?;
            }
            if let Some(weight) = limits.cpu_weight {
                self.put("cpu.shares", &shares(weight).to_string())?;
            }
        }
        Ok(())
    }

    /// v1 refuses a quota above an ancestor's, where v2 takes the smaller one. The range was checked, so that is what
    /// EINVAL means here: something above is stricter and holds this group anyway.
    fn quota_v1(&self, quota: u64) -> Result<(), CgroupError> {
        const QUOTA: &str = "cpu.cfs_quota_us";
        match dir::put(self.at, QUOTA, &quota.to_string()) {
            Err(Errno::EINVAL) => Ok(()),
            other => other.map_err(CgroupError::at("set", self.label, QUOTA)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and what is out of range on the low side becomes the shortest quota"
)]
fn quota_us(cpus: f64) -> u64 {
    ((cpus * PERIOD_US).round() as u64).max(SHORTEST_QUOTA_US)
}

/// The defaults, 100 and 1024, mean the same share.
fn shares(weight: u64) -> u64 {
    (weight.saturating_mul(1024) / 100).clamp(2, 262_144)
}

/// The layer that `limits` needs and this host lacks.
pub(super) fn missing(
    limits: &CgroupLimits,
    has: impl Fn(Controller) -> bool,
    swap: Swap,
) -> Option<&'static str> {
    let needs_memory = limits.memory_bytes.is_some();
    let needs_cpu = limits.cpus.is_some() || limits.cpu_weight.is_some();
    if needs_memory && !has(Controller::Memory) {
        Some("cgroup.memory")
    } else if needs_memory && swap == Swap::Unlimited {
        Some("cgroup.swap")
    } else if limits.pids.is_some() && !has(Controller::Pids) {
        Some("cgroup.pids")
    } else if needs_cpu && !has(Controller::Cpu) {
        Some("cgroup.cpu")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_and_shares_stay_in_the_kernels_range() {
        assert_eq!(quota_us(1.5), 150_000);
        assert_eq!(quota_us(0.001), SHORTEST_QUOTA_US);
        assert_eq!(quota_us(f64::NAN), SHORTEST_QUOTA_US);
        assert_eq!((shares(100), shares(1), shares(10_000)), (1024, 10, 102_400));
    }

    #[test]
    fn a_missing_layer_is_named() {
        let all = CgroupLimits { memory_bytes: Some(1), pids: Some(1), cpus: Some(1.0), cpu_weight: None };
        assert_eq!(missing(&all, |_| true, Swap::Limited), None);
        assert_eq!(missing(&all, |_| true, Swap::Unlimited), Some("cgroup.swap"));
        assert_eq!(missing(&all, |one| one != Controller::Pids, Swap::Absent), Some("cgroup.pids"));
        assert_eq!(missing(&all, |one| one != Controller::Cpu, Swap::Absent), Some("cgroup.cpu"));
        assert_eq!(missing(&CgroupLimits::default(), |_| false, Swap::Unlimited), None);
    }
}
