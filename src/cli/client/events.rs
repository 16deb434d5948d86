//! A job's events as they happen, over as many connections as it takes. After a broken one the server is told by
//! `Last-Event-ID` what has arrived, so nothing is lost and nothing comes twice.

mod frame;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderName};
use model::{Event, Happened, JobId};
use tokio::time::sleep;

use super::{Answer, Call, CallError, Client, path};
use crate::output;
pub(crate) use frame::{Frame, Frames};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A server that is restarted is back sooner.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct Events<'a> {
    client: &'a Client,
    target: String,
    /// The number of the last one handed out.
    last: u64,
    waiting: VecDeque<Event>,
    open: Option<(Answer, Frames)>,
    outage: Option<Outage>,
    ended: bool,
}

/// From the first failure to the next event.
#[derive(Debug)]
struct Outage {
    since: Instant,
    pause: Duration,
}

impl<'a> Events<'a> {
    /// From the first one on.
    pub(crate) fn of(client: &'a Client, id: JobId) -> Self {
        let target = path(["jobs", &id.to_string(), "events"]);
        Self { client, target, last: 0, waiting: VecDeque::new(), open: None, outage: None, ended: false }
    }

    /// `None` after the job's end.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, CallError> {
        loop {
            if self.ended {
                return Ok(None);
            }
            if let Some(event) = self.waiting.pop_front() {
                // A server may begin further back than it was asked to.
                if event.seq > self.last {
                    self.last = event.seq;
                    self.ended = matches!(event.what, Happened::Ended(_));
                    return Ok(Some(event));
                }
                continue;
            }
            if let Err(error) = self.receive().await {
                self.open = None;
                self.endure(error).await?;
            }
        }
    }

    /// Waits for whatever comes next on the open connection, or for one to be open.
    async fn receive(&mut self) -> Result<(), CallError> {
        let server = self.client.server();
        let Some((answer, frames)) = &mut self.open else {
            let answer = self.connect().await?;
            // Nothing is left to tell (WHATWG HTML, section 9.2.3).
            self.ended = answer.status == StatusCode::NO_CONTENT;
            self.open = Some((answer, Frames::default()));
            return Ok(());
        };
        let Some(piece) = answer.piece(server).await? else {
            return Err(CallError::Ended { server: server.clone() });
        };
        let complete = frames.push(&piece).map_err(|error| CallError::unreadable(server, &error))?;
        for frame in complete {
            self.waiting.extend(event(&frame).map_err(|error| CallError::unreadable(server, &error))?);
            self.outage = None;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Answer, CallError> {
        let mut call = Call::get(&*self.target).header(ACCEPT, "text/event-stream");
        if self.last > 0 {
            call = call.header(LAST_EVENT_ID, self.last.to_string());
        }
        self.client.send(call).await
    }

    /// Pauses before the next try, a little longer each time; an error that will not pass, or lasts, is handed on.
    async fn endure(&mut self, error: CallError) -> Result<(), CallError> {
        if !error.passes() {
            return Err(error);
        }
        let first = || {
            // The server ends a stream that has lasted long: nothing to worry about.
            if !matches!(error, CallError::Ended { .. }) {
                output::note(format!("{error}; trying again"));
            }
            Outage { since: Instant::now(), pause: FIRST_PAUSE }
        };
        let outage = self.outage.get_or_insert_with(first);
        if outage.since.elapsed() > PATIENCE {
            return Err(error);
        }
        sleep(error.again_in().map_or(outage.pause, Duration::from_secs).min(LONGEST_PAUSE)).await;
        outage.pause = (outage.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

/// `None` for an event of a later version, which means nothing here.
fn event(frame: &Frame) -> Result<Option<Event>, serde_json::Error> {
    match serde_json::from_str(&frame.data) {
        Err(_) if !KNOWN.contains(&frame.name.as_str()) => Ok(None),
        read => read.map(Some),
    }
}

/// As in [`Happened::name`].
const KNOWN: [&str; 13] = [
    "accepted",
    "judged",
    "started",
    "ready",
    "step_started",
    "output",
    "step_ended",
    "case_ended",
    "paused",
    "resumed",
    "noted",
    "requeued",
    "ended",
];

#[cfg(test)]
mod tests;
