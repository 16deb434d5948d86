//! The image that a job asked to have made of it.

use admission::Admitted;
use image::{Error, Images};
use model::{Cause, CommitSpec, Committed, JobSpec, Status};
use supervise::{Changes, Outcome};

/// What is known of it before the job runs.
pub(super) struct Wanted {
    spec: CommitSpec,
    base: Option<String>,
    user: u32,
    tenant: String,
}

impl Wanted {
    pub(super) fn of(admitted: &Admitted<JobSpec>) -> Option<Self> {
        let (spec, tenant) = (admitted.spec(), admitted.about().tenant.clone());
        let commit = spec.commit.clone()?;
        Some(Self { spec: commit, base: spec.image_digest.clone(), user: spec.user, tenant })
    }

    /// Without it, a job that succeeded has not done what it was for.
    pub(super) async fn make(
        self,
        images: &Images,
        changes: Option<Changes>,
        outcome: &mut Outcome,
    ) -> Option<Committed> {
        if outcome.status != Status::Succeeded {
            return None;
        }
        match self.committed(images, changes).await {
            Ok(committed) => Some(committed),
            Err(error) => {
                let by_the_job = matches!(error, Error::ArchiveRefused { .. } | Error::TooLarge { .. });
                outcome.status = if by_the_job { Status::Failed } else { Status::InternalError };
                let detail = format!("no image was made of the job: {error}");
                outcome.cause =
                    Some(Cause { code: Some(error.code().into()), ..Cause::new("commit", detail) });
                None
            }
        }
    }

    async fn committed(self, images: &Images, changes: Option<Changes>) -> Result<Committed, Error> {
        let Changes { root, workspace } =
            changes.ok_or_else(|| Error::Internal("the sandbox has not handed out its changes".into()))?;
        let info = images.commit(image::Changes {
            base: self.base,
            upper: root.ok_or(Error::NoBase)?,
            workspace: self.spec.workspace.then_some(workspace),
            user: self.user,
            name: self.spec.image,
            tenant: Some(self.tenant),
        });
        let info = info.await?;
        Ok(Committed { reference: info.name, digest: info.digest })
    }
}
