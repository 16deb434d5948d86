//! What must be true of every job afterwards, by its own events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use support::{Client, Daemon, eventually};

use crate::clients::{Heard, Known};

/// Every job there is, by its label: those of one label are one job, or something went wrong.
pub(crate) fn listed(daemon: &Daemon) -> BTreeMap<String, Vec<String>> {
    let mut client = daemon.client();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ids = BTreeSet::new();
    let mut target = "/jobs?limit=200".to_owned();
    loop {
        let answer = client.get(&target);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let page = answer.json();
        for job in page["items"].as_array().expect("a list") {
            let id = job["id"].as_str().expect("an id").to_owned();
            assert!(ids.insert(id.clone()), "{id} is listed twice");
            found.entry(job["labels"]["k"].as_str().unwrap_or_default().to_owned()).or_default().push(id);
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return found };
        target = format!("/jobs?limit=200&cursor={cursor}");
    }
}

pub(crate) fn all_ended(daemon: &Daemon) {
    let mut client = daemon.client();
    eventually(Duration::from_mins(1), "every job ends", || {
        let page = client.get("/jobs?status=queued,running&limit=1").json();
        page["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    });
}

/// How jobs got through, for the figures.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) jobs: usize,
    pub(crate) acknowledged: usize,
    pub(crate) lost: usize,
    /// Ended as our fault, while the host had not enough of something.
    pub(crate) short: usize,
    /// Started more than once.
    pub(crate) retried: usize,
    /// Waiting when the daemon was killed, and run by a later one.
    pub(crate) carried_over: usize,
    pub(crate) replayed: usize,
    pub(crate) unanswered_but_taken: usize,
    pub(crate) events: usize,
}

/// Within which something happened.
pub(crate) type Span = (Timestamp, Timestamp);

pub(crate) struct Judge<'a> {
    client: Client,
    /// Each happened between these two moments.
    kills: &'a [Span],
    /// While the host had not enough of something.
    shortages: &'a [Span],
    count: Count,
}

impl<'a> Judge<'a> {
    /// Every job that was sent, `listed` by its label.
    pub(crate) fn all(
        daemon: &Daemon,
        listed: &BTreeMap<String, Vec<String>>,
        heard: &[Heard],
        kills: &'a [Span],
        shortages: &'a [Span],
    ) -> Count {
        let mut judge = Self { client: daemon.client(), kills, shortages, count: Count::default() };
        for known in heard.iter().flat_map(|heard| &heard.known) {
            judge.judge(known, listed.get(&known.label).map_or(&[], Vec::as_slice));
        }
        judge.count
    }

    /// `ids` are those of the jobs with this one's label.
    fn judge(&mut self, known: &Known, ids: &[String]) {
        assert!(ids.len() <= 1, "{} is {} jobs: {ids:?}", known.label, ids.len());
        let answered: BTreeSet<&String> = known.told.iter().map(|(id, _)| id).collect();
        assert!(answered.len() <= 1, "{} was given several ids: {:?}", known.label, known.told);
        assert!(answered.iter().all(|id| ids.contains(id)), "{} was acknowledged and is gone", known.label);
        assert!(!known.keyed || ids.len() == 1, "{} was sent until it was taken: {ids:?}", known.label);
        self.count.acknowledged += answered.len();
        self.count.replayed += known.replayed;
        self.count.unanswered_but_taken += usize::from(answered.is_empty() && ids.len() == 1);
        let Some(id) = ids.first() else { return };
        // Its end is in the list before it is told.
        let job = self.client.get(&format!("/jobs/{id}?wait=10s")).json();
        let events = self.events(id);
        self.count.jobs += 1;
        self.count.events += events.len();
        self.history(known, &events);
        self.end(known, &job, &events);
        // What was told as final once is final.
        for (_, status) in
            known.told.iter().filter(|(_, status)| !matches!(status.as_str(), "queued" | "running"))
        {
            assert_eq!(job["status"], *status, "{} was told to have ended as that: {job}", known.label);
        }
    }

    fn events(&mut self, id: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        let mut after = Some(0);
        while let Some(last) = after {
            let page = self.client.get(&format!("/jobs/{id}/events?after={last}&limit=500")).json();
            all.extend(page["items"].as_array().expect("a page").iter().cloned());
            after = page["next"].as_u64();
        }
        all
    }

    fn history(&mut self, known: &Known, events: &[Value]) {
        let label = &known.label;
        let numbers: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
        assert!(numbers.iter().copied().eq(1..=events.len() as u64), "{label} has gaps: {numbers:?}");
        let at = |name: &str| places(events, name);
        assert_eq!(at("accepted"), [0], "{label}: {events:?}");
        let ended = at("ended");
        assert_eq!(ended.len(), 1, "{label} ended {} times: {events:?}", ended.len());
        let after = &events[ended[0] + 1..];
        assert!(
            after.iter().all(|event| event["type"] == "noted"),
            "{label} goes on after its end: {after:?}"
        );
        let started = at("started");
        let attempts: Vec<u64> =
            started.iter().filter_map(|place| events[*place]["attempt"].as_u64()).collect();
        assert!(attempts.iter().copied().eq(1..=started.len() as u64), "{label}: attempts {attempts:?}");
        assert!(attempts.len() as u64 <= known.max_attempts, "{label} ran too often: {events:?}");
        for (before, next) in started.iter().zip(started.iter().skip(1)) {
            let between = &events[*before..*next];
            assert_eq!(
                places(between, "requeued").len(),
                1,
                "{label} ran again without a reason: {events:?}"
            );
            assert!(
                self.killed_between(&between[0], &between[between.len() - 1]),
                "{label}: no kill: {events:?}"
            );
        }
        for attempt in events.split(|event| event["type"] == "started").skip(1) {
            assert!(places(attempt, "step_started").len() <= 1, "{label}: a step ran twice: {attempt:?}");
        }
        self.count.retried += usize::from(started.len() > 1);
        if let Some(first) = started.first() {
            self.count.carried_over += usize::from(self.killed_between(&events[0], &events[*first]));
        }
    }

    fn end(&mut self, known: &Known, job: &Value, events: &[Value]) {
        let (label, status) = (&known.label, job["status"].as_str().unwrap_or_default());
        let started = places(events, "started");
        assert_eq!(job["attempt"], started.len() as u64, "{label}: {job}");
        let last = &events[places(events, "ended")[0]];
        assert_eq!(last["status"], status, "{label}: {job}");
        if status == "lost" {
            self.count.lost += 1;
            let begun = started.last().map(|place| &events[*place]);
            let begun = begun.unwrap_or_else(|| panic!("{label} is lost and never began: {events:?}"));
            assert_eq!(job["cause"]["kind"], "lost", "{label}: {job}");
            assert_eq!(started.len() as u64, known.max_attempts, "{label} could have run again: {events:?}");
            return assert!(
                self.killed_between(begun, last),
                "{label} is lost, and nobody killed: {events:?}"
            );
        }
        if status == "internal_error" && between(self.shortages, &events[0], last) {
            self.count.short += 1;
            // As far as the job had come: a sandbox, a case's, or a step.
            let kind = job["cause"]["kind"].as_str().unwrap_or_default();
            return assert!(["sandbox", "case", "step"].contains(&kind), "{label}: {job}");
        }
        assert_eq!(status, known.kind.status(), "{label} {:?}: {job}", known.kind);
        assert!(known.kind.is_whole(job), "{label} {:?} lacks something: {job}", known.kind);
    }

    fn killed_between(&self, from: &Value, to: &Value) -> bool {
        between(self.kills, from, to)
    }
}

/// Whether one of them was between these events.
fn between(spans: &[Span], from: &Value, to: &Value) -> bool {
    let (from, to) = (time(from), time(to));
    spans.iter().any(|(earliest, latest)| from <= *latest && *earliest <= to)
}

fn places(events: &[Value], name: &str) -> Vec<usize> {
    (0..events.len()).filter(|place| events[*place]["type"] == name).collect()
}

fn time(event: &Value) -> Timestamp {
    event["at"].as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no time: {event}"))
}
