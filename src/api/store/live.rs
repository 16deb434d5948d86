//! A job that has not ended: what has happened to it so far, and who is told.
//!
//! What happens is numbered and kept here at once. It goes to the journal in as few writes as will do: with the job's end,
//! or sooner where somebody listens or much has come together. Only what the journal has is told to anybody: a listener
//! that comes back after a crash finds every event that it has seen.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use journal::{Commit, Journal, JournalError};
use model::{Callback, Ended, Event, Happened, Job, JobId};
use supervise::Order;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, watch};

use super::changes::Changed;

/// What may wait for the job's end before it is written.
const MAX_PENDING: usize = 256 << 10;
/// Of the text of one event, where pieces of output are put together.
const MAX_PIECE: usize = 16 << 10;

#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) id: JobId,
    pub(crate) tenant: String,
    orders: mpsc::Sender<Order>,
    log: Mutex<Log>,
    /// The last event that the journal has.
    kept: watch::Sender<u64>,
    end: watch::Sender<Option<Arc<Job>>>,
    /// It waits for longer than this server can say: whoever waits for its end is told how it stands.
    parked: Notify,
    write: Notify,
    pub(crate) changed: Changed,
    listeners: AtomicUsize,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Arc<Event>>,
    /// How many of them were given to the journal.
    given: usize,
    /// Bytes of output among the others.
    pending: usize,
    /// Nothing more is taken.
    closed: bool,
}

impl Live {
    /// `events` are those that the journal has already, where the job is taken up again.
    pub(crate) fn new(id: JobId, tenant: &str, events: Vec<Event>, orders: mpsc::Sender<Order>) -> Self {
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        Self {
            id,
            tenant: tenant.to_owned(),
            orders,
            kept: watch::Sender::new(events.len() as u64),
            log: Mutex::new(Log { given: events.len(), events, ..Log::default() }),
            end: watch::Sender::new(None),
            parked: Notify::new(),
            write: Notify::new(),
            changed: Changed::default(),
            listeners: AtomicUsize::new(0),
        }
    }

    pub(crate) fn happened(&self, what: Happened) {
        let printed = if let Happened::Output(chunk) = &what { chunk.text.len() } else { 0 };
        let mut log = self.log();
        log.push(what);
        log.pending += printed;
        if log.pending > MAX_PENDING || self.listeners.load(Relaxed) > 0 {
            self.write.notify_one();
        }
    }

    /// None is dropped, a cancellation least of all: what the job has no room for yet waits for it.
    pub(crate) fn order(&self, order: Order) {
        if let Err(TrySendError::Full(order)) = self.orders.try_send(order) {
            let orders = self.orders.clone();
            // Ends with the job, which holds the other end.
            tokio::spawn(async move { orders.send(order).await });
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// As it stands.
    pub(crate) fn job(&self) -> Option<Arc<Job>> {
        if let Some(job) = &*self.end.borrow() {
            return Some(Arc::clone(job));
        }
        let events = self.history();
        // Its end is none before the journal has it.
        let before = events.iter().filter(|event| !matches!(event.what, Happened::Ended(_)));
        Job::from_events(before.map(|event| Event::clone(event))).map(Arc::new)
    }

    /// When it came, or came back from a start that did not count: it waits since then.
    pub(crate) fn waits_since(&self) -> Option<Timestamp> {
        let log = self.log();
        let again = log.events.iter().rfind(|event| matches!(event.what, Happened::Requeued { .. }));
        again.or(log.events.first()).map(|event| event.at)
    }

    /// Microseconds that it took to admit it, and that it waited for its last start. Without a look at what it printed.
    pub(crate) fn before(&self) -> (u64, u64) {
        self.log().events.iter().fold((0, 0), |(admit, queue), event| match &event.what {
            Happened::Accepted(accepted) => (accepted.admit_us, queue),
            Happened::Started { queue_us, .. } => (admit, *queue_us),
            _ => (admit, queue),
        })
    }

    /// All of it, written or not.
    pub(crate) fn history(&self) -> Vec<Arc<Event>> {
        self.log().events.clone()
    }

    /// Events after the one of that number, as far as the journal has them, at most `most`.
    pub(crate) fn events(&self, after: u64, most: usize) -> Vec<Arc<Event>> {
        let kept = usize::try_from(*self.kept.borrow()).unwrap_or(usize::MAX);
        let log = self.log();
        let start = usize::try_from(after).unwrap_or(usize::MAX).min(log.events.len());
        let end = kept.min(log.events.len()).max(start);
        log.events[start..end].iter().take(most).cloned().collect()
    }

    pub(crate) fn listen(self: &Arc<Self>) -> Listener {
        self.listeners.fetch_add(1, Relaxed);
        self.write.notify_one();
        Listener { live: Arc::clone(self), kept: self.kept.subscribe(), end: self.end.subscribe() }
    }

    /// Until it has ended, or cannot go on here for now.
    pub(crate) async fn ended(&self) {
        let mut end = self.end.subscribe();
        tokio::select! {
            _ = end.wait_for(Option::is_some) => (),
            () = self.parked.notified() => (),
        }
    }

    /// To those who wait now: who comes later waits for what becomes of it.
    pub(crate) fn park(&self) {
        self.parked.notify_waiters();
    }

    /// Writes whenever it is asked to. Never ends; to be dropped.
    pub(crate) async fn keep(&self, journal: &Journal) {
        loop {
            self.write.notified().await;
            // A write that fails is kept by the journal, and told by it.
            let _ = self.write(journal).await;
        }
    }

    /// Everything so far, whoever writes it.
    pub(crate) async fn write(&self, journal: &Journal) -> Result<(), JournalError> {
        let (commit, new) = {
            let mut log = self.log();
            let (events, last) = log.give();
            if events.is_empty() && last <= *self.kept.borrow() {
                return Ok(());
            }
            // Under the lock, or another write could overtake this one, and be told with a gap. Without events it is
            // answered after what others have under way.
            (journal.append(self.id, &events), (!events.is_empty()).then_some(last))
        };
        commit.await?;
        if let Some(last) = new {
            self.now_kept(last);
        }
        Ok(())
    }

    /// What a new job begins with, for [`Journal::accept`].
    pub(crate) fn first(&self) -> Vec<Arc<Event>> {
        self.log().give().0
    }

    pub(crate) fn accepted(&self) {
        let given = self.log().given as u64;
        self.now_kept(given);
    }

    fn now_kept(&self, last: u64) {
        self.kept.send_if_modified(|kept| std::mem::replace(kept, last.max(*kept)) < last);
    }

    /// Its last event. Nobody hears of it before [`Live::tell`].
    pub(crate) fn finish(&self, ended: Ended, journal: &Journal, callback: Option<&Callback>) -> Finished {
        let (all, events, last) = {
            let mut log = self.log();
            log.push(Happened::Ended(Box::new(ended)));
            let all: Vec<_> = log.events.clone();
            let (events, last) = log.give();
            (all, events, last)
        };
        let folded = Job::from_events(all.iter().map(|event| Event::clone(event)));
        let (Some(job), Some(first)) = (folded.map(Arc::new), all.first()) else {
            unreachable!("its first event is that it was accepted")
        };
        let summary = job.summary(first);
        Finished { commit: journal.end(self.id, events, &summary, callback), job, last }
    }

    /// The events first: whoever sees that it has ended finds the last one.
    pub(crate) fn tell(&self, job: Arc<Job>, last: u64) {
        self.now_kept(last);
        self.end.send_replace(Some(job));
    }

    /// Like [`Live::happened`], for what may come after the end; given back once it can no longer be taken here.
    pub(crate) fn note(&self, what: Happened) -> Option<Happened> {
        let mut log = self.log();
        if log.closed {
            return Some(what);
        }
        log.push(what);
        drop(log);
        if self.listeners.load(Relaxed) > 0 {
            self.write.notify_one();
        }
        None
    }

    /// Its end is written. So is now what was noted since then; what comes later is the journal's to number.
    pub(crate) fn close(&self, journal: &Journal) {
        let mut log = self.log();
        log.closed = true;
        let (late, _) = log.give();
        if !late.is_empty() {
            // Goes on by itself.
            drop(journal.append(self.id, late));
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Nothing under the lock leaves the log half changed.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn push(&mut self, what: Happened) {
        if self.put_together(&what) {
            return;
        }
        let seq = self.events.len() as u64 + 1;
        self.events.push(Arc::new(Event { seq, at: Timestamp::now(), what }));
    }

    /// A program may print byte by byte: what was given to nobody yet is one event with what comes right after it.
    fn put_together(&mut self, what: &Happened) -> bool {
        let last = self.events[self.given..].last_mut().and_then(Arc::get_mut);
        match (last.map(|event| &mut event.what), what) {
            (Some(Happened::Output(piece)), Happened::Output(next)) => {
                piece.text.len() + next.text.len() <= MAX_PIECE && piece.append(next)
            }
            _ => false,
        }
    }

    /// What the journal does not have yet, and the number of the last of it.
    fn give(&mut self) -> (Vec<Arc<Event>>, u64) {
        let events = self.events[self.given..].to_vec();
        (self.given, self.pending) = (self.events.len(), 0);
        (events, self.given as u64)
    }
}

/// A job that has ended, on its way to the journal.
pub(crate) struct Finished {
    pub(crate) commit: Commit,
    pub(crate) job: Arc<Job>,
    pub(crate) last: u64,
}

/// While there is one, events are written as they happen.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) live: Arc<Live>,
    kept: watch::Receiver<u64>,
    end: watch::Receiver<Option<Arc<Job>>>,
}

impl Listener {
    /// Until there are events after the one of that number, or none will come here.
    pub(crate) async fn beyond(&mut self, after: u64) {
        // The senders live in the job that this holds.
        tokio::select! {
            _ = self.kept.wait_for(|kept| *kept > after) => (),
            _ = self.end.wait_for(Option::is_some) => (),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.live.listeners.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
