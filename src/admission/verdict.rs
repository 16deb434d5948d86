//! What comes out of admission.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use model::{Decision, Decisions, Failure, JobSpec};

use crate::About;
use crate::lifecycle::Follower;

/// One of the two, and nothing else: there is no job without a verdict.
#[derive(Debug)]
pub enum Verdict {
    Admitted(Admitted<JobSpec>),
    Denied(Denial),
}

/// A job that the policies let through, as they left it. Made in this crate alone, so that nothing runs without a verdict.
#[derive(Debug)]
pub struct Admitted<T> {
    pub(crate) job: Arc<T>,
    pub(crate) decisions: Decisions,
    pub(crate) warnings: Vec<String>,
    pub(crate) follower: Follower,
}

/// A no. It is a value: whoever gets it tells the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The policy that decided; the first one where several said no.
    pub policy: String,
    /// The policy's own word, or the [`Failure`]'s.
    pub code: String,
    pub reason: String,
    pub field: Option<String>,
    pub retryable: bool,
    /// Set where no policy said no, but one gave no answer that counts.
    pub failure: Option<Failure>,
    pub warnings: Vec<String>,
    pub decisions: Vec<Decision>,
}

/// What lifecycle hooks add to a job's record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

impl Admitted<JobSpec> {
    pub(crate) fn new(
        job: Arc<JobSpec>,
        decisions: Decisions,
        warnings: Vec<String>,
        follower: Follower,
    ) -> Self {
        Self { job, decisions, warnings, follower }
    }

    pub fn spec(&self) -> &JobSpec {
        &self.job
    }

    pub fn about(&self) -> &About {
        self.follower.about()
    }

    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// For whoever sent the job.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Decisions and warnings, for the job's record, which alone has them from here on.
    pub fn take_said(&mut self) -> (Decisions, Vec<String>) {
        (mem::take(&mut self.decisions), mem::take(&mut self.warnings))
    }

    /// Who asks the policies about the job from here on.
    pub fn follower(&self) -> &Follower {
        &self.follower
    }
}
