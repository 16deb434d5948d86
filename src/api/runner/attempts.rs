//! A job that has its place, run until an end that counts: one that was lost runs again where it may.

use std::sync::Arc;
use std::time::SystemTime;

use admission::Admitted;
use model::{Happened, JobSpec, Status};
use sandbox::LaunchPlan;
use schedule::{Lease, Queue};
use supervise::{Io, Launched, Order, Outcome};
use tokio::sync::{Notify, mpsc};

use super::Runner;
use super::begin::{Begin, Refused};
use super::given::{Room, Watcher};
use crate::store::live::Live;

pub(super) struct Attempts<'a> {
    pub(super) runner: &'a Runner,
    pub(super) live: &'a Arc<Live>,
    pub(super) lease: &'a Arc<Lease>,
    /// The one that begins now.
    pub(super) attempt: u32,
    pub(super) most: u32,
    /// When the journal had that it began.
    pub(super) recorded: Option<SystemTime>,
}

/// Why there is no outcome yet.
pub(super) enum NotAgain {
    /// The next start of the server runs it again. What is ordered meanwhile comes here.
    Waits(mpsc::Receiver<Order>),
    Refused(Refused),
}

impl Attempts<'_> {
    pub(super) async fn all(
        &mut self,
        begin: Begin,
        admitted: Arc<Admitted<JobSpec>>,
        plan: LaunchPlan,
        inbox: mpsc::Receiver<Order>,
    ) -> Result<Outcome, NotAgain> {
        let (supervisor, watch, room) = (&self.runner.supervisor, self.watch(), self.room());
        let journal = &self.runner.store.journal;
        // The launch first: it is under way while the journal is given what to write.
        let launch = supervisor.launch(Arc::clone(&admitted), plan, Io::Capture, inbox, watch, room);
        let written = Notify::new();
        let launched = async { Ok(launch.await.until(written.notified()).await) };
        let kept = async {
            let kept = begin.kept(journal, self.live, admitted.spec()).await;
            written.notify_one();
            kept.map(|()| SystemTime::now())
        };
        let (launched, recorded) = tokio::try_join!(launched, kept).map_err(NotAgain::Refused)?;
        self.recorded = Some(recorded);
        let mut outcome = self.run(launched).await;
        while outcome.status == Status::Lost {
            tracing::warn!(job_id = %self.live.id, attempt = self.attempt, "the launcher ended under a job");
            if self.attempt >= self.most {
                break;
            }
            self.attempt += 1;
            self.live.happened(Happened::Requeued { reason: "the launcher ended while the job ran".into() });
            let is_alive = supervisor.is_alive();
            if is_alive {
                // It keeps its place.
                self.live.happened(Happened::Started { attempt: self.attempt, queue_us: 0 });
            }
            Begin::Known.kept(journal, self.live, admitted.spec()).await.map_err(NotAgain::Refused)?;
            let Some(again) = outcome.again else { break };
            if !is_alive {
                return Err(NotAgain::Waits(again.into_orders()));
            }
            let again = supervisor.again(again, self.watch(), self.room());
            // Rare, and as large as the first.
            outcome = Box::pin(async { self.run(again.await).await }).await;
        }
        Ok(outcome)
    }

    /// What happens meanwhile is written where somebody listens.
    async fn run(&self, launched: Launched) -> Outcome {
        tokio::select! {
            outcome = launched.run() => outcome,
            () = self.live.keep(&self.runner.store.journal) => unreachable!("it is there to be dropped"),
        }
    }

    fn watch(&self) -> Arc<Watcher> {
        Arc::new(Watcher(Arc::clone(self.live)))
    }

    fn room(&self) -> Arc<Room> {
        Arc::new(Room::new(Queue::clone(&self.runner.queue), Arc::clone(self.lease)))
    }
}
