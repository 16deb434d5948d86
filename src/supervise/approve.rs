//! What the policies say to the container, after it stands and before its first program starts.

use std::io;
use std::sync::Arc;

use model::{Decision, Hook};
use tokio::time::timeout;

use crate::broken::Broken;
use crate::job::Running;
use crate::step::START_GRACE;

/// What pre-start hooks had to say, for the record.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) decisions: Vec<Decision>,
    pub(crate) warnings: Vec<String>,
}

/// Only where a policy wants to be asked does anybody wait for the container: otherwise the first program is ordered
/// while it is made.
pub(crate) async fn approve(job: &mut Running) -> Result<(), Broken> {
    let follower = job.admitted.follower().clone();
    if !follower.is_asked(Hook::PreStart) {
        return Ok(());
    }
    let receipt = tokio::select! {
        stands = timeout(START_GRACE, job.container.stands()) => stands.map_err(|_| Broken::Silent(START_GRACE))??,
        () = job.orders.cancelled() => return Err(Broken::Cancelled),
    };
    let judged = tokio::task::spawn_blocking(move || follower.pre_start(&Arc::new(receipt))).await;
    // A panic there is no yes.
    let judged = judged.map_err(io::Error::other)?;
    job.said = Said { decisions: judged.decisions, warnings: judged.warnings };
    judged.denial.map_or(Ok(()), |denial| Err(Broken::Denied(Box::new(denial))))
}
