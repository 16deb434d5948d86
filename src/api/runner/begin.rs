//! What the journal must have before a job's first program may start.

use journal::{Idempotency, Journal, JournalError, NewJob};
use model::JobSpec;
use tokio::sync::oneshot;

use super::end::Ending;
use crate::store::live::Live;

pub(super) enum Begin {
    /// That there is the job at all. Whoever sent it is told.
    New { idempotency: Option<Idempotency>, told: oneshot::Sender<Result<(), JournalError>> },
    /// The journal knows it, but not all that has happened since.
    Known,
}

/// The journal did not take it.
pub(super) enum Refused {
    /// Nobody was given its id.
    New,
    Known(JournalError),
}

impl Begin {
    pub(super) async fn kept(self, journal: &Journal, live: &Live, spec: &JobSpec) -> Result<(), Refused> {
        match self {
            Self::New { idempotency, told } => {
                let new = NewJob { spec, events: live.first(), idempotency };
                let kept = journal.accept(new).await;
                let taken = kept.is_ok();
                if taken {
                    live.accepted();
                }
                // Whoever sent the job may have gone.
                let _ = told.send(kept);
                taken.then_some(()).ok_or(Refused::New)
            }
            Self::Known => live.write(journal).await.map_err(Refused::Known),
        }
    }
}

impl Refused {
    pub(super) async fn end(self, ending: Ending) {
        match self {
            Self::New => ending.never_was(),
            Self::Known(error) => ending.broken(&error).await,
        }
    }
}
