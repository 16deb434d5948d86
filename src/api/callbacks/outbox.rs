//! Which callback is sent when. Sleeps until the next is due, is woken by new ones, and keeps several under way at once.
//!
//! Invariant: a callback is under way once at most, because it counts as under way until the journal has what came of it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use journal::{Due, Journal, JournalError};
use model::JobId;
use tokio::sync::Notify;
use tokio::task::{Id, JoinError, JoinSet};

use super::backoff::{LONGEST, delay};
use super::delivery::{Delivery, Settled};
use super::post::Poster;
use super::target::Target;

/// Under way at one time.
const PLACES: usize = 16;
/// Of those, to one receiver: a slow one must leave places to the others.
const PLACES_EACH: usize = 4;
/// What is looked at first, and at most: behind many that wait for a busy receiver there may be one for another.
const WINDOW: usize = 32;
const WIDEST: usize = 2048;

pub(super) struct Outbox {
    journal: Journal,
    poster: Arc<Poster>,
    wake: Arc<Notify>,
    tasks: JoinSet<Settled>,
    flights: HashMap<Id, Flight>,
    /// Under way, and those whose outcome the journal would not take: not to be sent again by this process.
    held: HashSet<JobId>,
    /// When some are due again.
    alarms: BTreeSet<Timestamp>,
}

struct Flight {
    id: JobId,
    receiver: String,
}

impl Outbox {
    pub(super) fn new(journal: Journal, poster: Poster, wake: Arc<Notify>) -> Self {
        Self {
            journal,
            poster: Arc::new(poster),
            wake,
            tasks: JoinSet::new(),
            flights: HashMap::new(),
            held: HashSet::new(),
            alarms: BTreeSet::new(),
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            if let Err(error) = self.scan().await {
                tracing::error!("callbacks wait until another job ends: {error}");
            }
            tokio::select! {
                () = self.wake.notified() => (),
                Some(landed) = self.tasks.join_next_with_id() => self.landed(landed),
                () = at(self.alarms.first().copied()) => (),
            }
        }
    }

    /// Starts all that are due and have a place.
    async fn scan(&mut self) -> Result<(), JournalError> {
        let now = Timestamp::now();
        self.alarms = self.alarms.split_off(&now);
        let mut window = WINDOW;
        while self.flights.len() < PLACES {
            let (due, next) = self.due(now, window).await?;
            self.alarms.extend(next.filter(|next| *next > now));
            let all = due.len() < window;
            let waiting: Vec<_> = due.into_iter().filter_map(|due| self.launch(due)).collect();
            if all {
                break;
            }
            if window >= WIDEST {
                self.put_off(waiting, now).await?;
            }
            window = WIDEST.min(window * 8);
        }
        Ok(())
    }

    /// So many wait for busy receivers that others are out of sight. Whoever keeps that many waiting does not answer:
    /// it counts as an attempt.
    async fn put_off(&mut self, waiting: Vec<Due>, now: Timestamp) -> Result<(), JournalError> {
        let mut last = None;
        for Due { id, attempt, .. } in waiting {
            let delay = delay(attempt.saturating_add(1));
            let commit = if let Some(at) = delay.and_then(|delay| now.checked_add(delay).ok()) {
                self.alarms.insert(at);
                self.journal.callback_again(id, at)
            } else {
                tracing::warn!(job_id = %id, "callback dropped: too many wait for its receiver");
                self.journal.callback_done(id)
            };
            last = Some(commit);
        }
        // Committed in their order: with the last all of them are.
        if let Some(commit) = last { commit.await } else { Ok(()) }
    }

    async fn due(
        &self,
        now: Timestamp,
        window: usize,
    ) -> Result<(Vec<Due>, Option<Timestamp>), JournalError> {
        let journal = self.journal.clone();
        let latest = now.checked_add(LONGEST).unwrap_or(Timestamp::MAX);
        let read = move || Ok((journal.due_callbacks(now, latest, window)?, journal.next_callback()?));
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            // The runtime is going away, and this task with it.
            Err(_) => future::pending().await,
        }
    }

    /// Gives it back where its receiver is busy.
    fn launch(&mut self, due: Due) -> Option<Due> {
        if self.flights.len() >= PLACES || self.held.contains(&due.id) {
            return None;
        }
        let receiver = Target::parse(&due.url).map_or_else(|_| due.url.clone(), |target| target.receiver());
        if self.flights.values().filter(|flight| flight.receiver == receiver).count() >= PLACES_EACH {
            return Some(due);
        }
        self.held.insert(due.id);
        let flight = Flight { id: due.id, receiver: receiver.clone() };
        let delivery =
            Delivery { due, receiver, journal: self.journal.clone(), poster: Arc::clone(&self.poster) };
        let task = self.tasks.spawn(delivery.run()).id();
        self.flights.insert(task, flight);
        None
    }

    fn landed(&mut self, landed: Result<(Id, Settled), JoinError>) {
        let (task, settled) = match landed {
            Ok(landed) => landed,
            // What made it panic would do so again.
            Err(error) => (error.id(), Settled::Unknown),
        };
        let Some(Flight { id, receiver }) = self.flights.remove(&task) else { return };
        match settled {
            Settled::Done => {
                self.held.remove(&id);
            }
            Settled::Again(at) => {
                self.held.remove(&id);
                self.alarms.insert(at);
            }
            Settled::Unknown => {
                tracing::error!(job_id = %id, receiver, "what came of a callback is not on record; sent again after a restart");
            }
        }
    }
}

/// Never, where there is no such time.
async fn at(time: Option<Timestamp>) {
    let Some(time) = time else { return future::pending().await };
    let left = Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default();
    tokio::time::sleep(left).await;
}
