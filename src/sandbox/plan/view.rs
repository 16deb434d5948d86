//! What a job is told about the machine: its own limits, not the host's.

use model::CgroupLimits;
use serde::{Deserialize, Serialize};

use super::StepPlan;

/// What `/proc`, `/sys` and the affinity of the job's programs say.
///
/// One view for all steps, so it is that of the largest; each program's affinity goes by its own step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewPlan {
    /// `None`: as many as Stockade itself may use.
    pub processors: Option<u32>,
    /// `None`: all that the machine has.
    pub memory_bytes: Option<u64>,
}

impl ViewPlan {
    pub(super) fn of(job: &CgroupLimits, steps: &[StepPlan]) -> Self {
        let all_limited = steps.iter().all(|step| step.cgroup.cpus.is_some());
        let most = steps.iter().filter_map(|step| processors(&step.cgroup)).max();
        Self { processors: most.filter(|_| all_limited), memory_bytes: job.memory_bytes }
    }
}

/// A program that starts as many threads as there are processors must be able to use what it may, hence upwards.
pub(crate) fn processors(limits: &CgroupLimits) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates; limits are positive"
    )]
    limits.cpus.map(|cpus| (cpus.ceil() as u32).max(1))
}
