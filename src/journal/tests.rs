//! Against a real folder and a real database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;
use model::{
    Accepted, Artifact, Chunk, Content, Decision, Ended, Event, FileSpec, Happened, Hook, Job, JobId,
    JobSpec, Network, OnOutputLimit, Status, StepResult, Stream, Timing, Usage,
};

use crate::{Durability, Journal, JournalError, NewJob, Options, Retention};

mod blobs;
mod crash;
mod disk;
mod jobs;
mod lists;
mod opening;
mod speed;
mod sweeps;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("stockade-journal-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn options(&self) -> Options {
        let retention = Retention { keep_free_bytes: 0, ..Retention::default() };
        Options { folder: self.0.clone(), durability: Durability::Process, retention }
    }

    fn open(&self) -> Journal {
        Journal::open(self.options()).expect("a journal").0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Every page of the file, and every index against its table.
fn whole(folder: &Folder) {
    let db = rusqlite::Connection::open(folder.path().join("journal.sqlite3")).expect("a database");
    let found: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
    assert_eq!(found, "ok");
}

fn spec() -> JobSpec {
    JobSpec {
        image_digest: None,
        volumes: Vec::new(),
        group: 1000,
        image: "host".into(),
        files: Vec::new(),
        steps: Vec::new(),
        disk_bytes: 1 << 20,
        on_output_limit: OnOutputLimit::Truncate,
        network: Network::default(),
        artifacts: Vec::new(),
        user: 1000,
        labels: BTreeMap::new(),
        require: Vec::new(),
        priority: 0,
        max_attempts: 1,
        queue_timeout_ms: None,
        commit: None,
        callback: None,
        tty: false,
    }
}

fn spec_of_blobs(digests: &[&str]) -> JobSpec {
    let file = |(i, digest): (usize, &&str)| FileSpec {
        path: format!("f{i}"),
        mode: 0o644,
        contents: Content::blob(*digest),
    };
    JobSpec { files: digests.iter().enumerate().map(file).collect(), ..spec() }
}

fn decision(hook: Hook) -> Decision {
    let text = r#"{"policy":"quota","digest":"sha256:00","generation":1,"hook":"validation","mode":"enforce",
        "verdict":"allow","patch":[],"duration_us":3}"#;
    Decision { hook, ..serde_json::from_str(text).expect("a decision") }
}

/// A job on its way through the journal.
struct Run<'a> {
    journal: &'a Journal,
    id: JobId,
    events: Vec<Event>,
}

impl<'a> Run<'a> {
    fn new(journal: &'a Journal, tenant: &str, labels: &[(&str, &str)], at: Timestamp) -> Self {
        let labels = labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let id = JobId::new();
        let accepted = Accepted {
            id,
            tenant: tenant.into(),
            submitter: "ci".into(),
            labels,
            priority: 0,
            policy: vec![decision(Hook::Validation)].into(),
            warnings: Vec::new(),
            admit_us: 7,
            traceparent: None,
        };
        let events = vec![Event { seq: 1, at, what: Happened::Accepted(Box::new(accepted)) }];
        Self { journal, id, events }
    }

    /// Taken in, just now.
    fn accepted(journal: &'a Journal, tenant: &str) -> Self {
        let run = Self::new(journal, tenant, &[], Timestamp::now());
        run.accept(&spec()).expect("taken in");
        run
    }

    fn accept(&self, spec: &JobSpec) -> Result<(), JournalError> {
        self.journal.accept(NewJob { spec, events: self.events.clone(), idempotency: None }).wait()
    }

    fn next(&mut self, what: Happened) -> Event {
        let seq = self.events.len() as u64 + 1;
        let event = Event { seq, at: self.events[0].at, what };
        self.events.push(event.clone());
        event
    }

    fn append(&mut self, what: Vec<Happened>) -> Result<(), JournalError> {
        let events: Vec<_> = what.into_iter().map(|what| self.next(what)).collect();
        self.journal.append(self.id, &events).wait()
    }

    fn prints(&mut self, text: &str) -> Result<(), JournalError> {
        let offset = self.events.iter().filter_map(|event| match &event.what {
            Happened::Output(chunk) => Some(chunk.bytes().len() as u64),
            _ => None,
        });
        let chunk = Chunk::new("run", Stream::Stdout, offset.sum(), text.into());
        self.append(vec![Happened::Output(chunk)])
    }

    fn starts(&mut self) -> Result<(), JournalError> {
        let step = "run".to_owned();
        self.append(vec![Happened::Started { attempt: 1, queue_us: 5 }, Happened::StepStarted { step }])
    }

    fn end(mut self, status: Status, artifacts: Vec<Artifact>) -> Job {
        let last = self.last(status, artifacts);
        let job = Job::from_events(self.events.clone()).expect("whole");
        self.journal.end(self.id, &last, &job.summary(&self.events[0]), None).wait().expect("ended");
        job
    }

    /// All that happens to a short job, and the job.
    fn whole(&mut self) -> (Vec<Event>, Job) {
        let mut events = vec![self.next(Happened::Started { attempt: 1, queue_us: 5 })];
        events.push(self.next(Happened::StepStarted { step: "run".into() }));
        events.push(self.next(Happened::Output(Chunk::new("run", Stream::Stdout, 0, vec![b'x'; 500]))));
        events.extend(self.last(Status::Succeeded, Vec::new()));
        (events, Job::from_events(self.events.clone()).expect("whole"))
    }

    /// The events that end it.
    fn last(&mut self, status: Status, artifacts: Vec<Artifact>) -> Vec<Event> {
        let ended = Ended {
            status,
            cause: None,
            skipped: Vec::new(),
            artifacts,
            artifact_errors: Vec::new(),
            committed: None,
            policy: Vec::new(),
            warnings: Vec::new(),
            timing: Timing::default(),
        };
        let job = Job::from_events(self.events.clone()).expect("whole");
        let steps: Vec<StepResult> = job.steps;
        let mut last = Vec::new();
        for mut step in steps {
            (step.status, step.usage) = (status, Usage::default());
            // What it printed, its events have told.
            step.stdout.text.clear();
            last.push(self.next(Happened::StepEnded { step: Box::new(step) }));
        }
        last.push(self.next(Happened::Ended(Box::new(ended))));
        last
    }
}
