//! The processors that programs start on: sched_setaffinity(2).
//!
//! No wall: a program may widen it again, and its share of time stays what its cgroup says. It is what programs count
//! processors by.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::plan::StepPlan;
use crate::plan::view;
use crate::step::{At, Step, StepError};

/// Confines this process and what it will start. Where it is on one of them already, nothing moves.
pub(super) fn confine(processors: &[u16]) -> Result<(), StepError> {
    let mut set = CpuSet::new();
    for number in processors {
        set.set(usize::from(*number)).at(Step::Affinity, 0)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set).at(Step::Affinity, 1)
}

/// Those of the job's for a step that gets fewer; `None` where it gets all of them, as it does anyway.
pub(super) fn fewer<'a>(step: &StepPlan, processors: &'a [u16]) -> Option<&'a [u16]> {
    let count = usize::try_from(view::processors(&step.cgroup)?).ok()?;
    processors.get(..count).filter(|fewer| fewer.len() < processors.len())
}

#[cfg(test)]
mod tests {
    use model::CgroupLimits;

    use super::*;

    #[test]
    fn a_step_gets_its_own_count_of_the_jobs_processors() {
        let numbers = |cpus: Option<f64>| {
            let step = StepPlan {
                name: "a".into(),
                command: vec!["true".into()],
                env: Vec::new(),
                workdir: "/".into(),
                rlimits: Vec::new(),
                cgroup: CgroupLimits { cpus, ..CgroupLimits::default() },
                seccomp: 0,
            };
            fewer(&step, &[3, 5, 8]).map(<[u16]>::to_vec)
        };
        assert_eq!(numbers(Some(0.25)), Some(vec![3]));
        assert_eq!(numbers(Some(1.5)), Some(vec![3, 5]));
        assert_eq!(numbers(Some(3.0)), None);
        assert_eq!(numbers(Some(9.0)), None);
        assert_eq!(numbers(None), None);
    }
}
