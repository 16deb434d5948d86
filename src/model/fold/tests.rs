use super::*;
use crate::{Cause, Chunk, Decisions, JobId};

fn chunk(stream: Stream, offset: u64, bytes: &[u8]) -> Happened {
    Happened::Output(Chunk::new("run", stream, offset, bytes.to_vec()))
}

fn accepted() -> Accepted {
    Accepted {
        id: JobId::new(),
        tenant: "acme".into(),
        submitter: "ci".into(),
        labels: BTreeMap::from([("a".into(), "1".into())]),
        priority: 3,
        policy: Decisions::default(),
        warnings: Vec::new(),
        admit_us: 7,
        traceparent: None,
    }
}

fn job(rest: Vec<Happened>) -> Job {
    let all = std::iter::once(Happened::Accepted(Box::new(accepted()))).chain(rest);
    let events = (1..).zip(all).map(|(seq, what)| Event { seq, at: jiff::Timestamp::UNIX_EPOCH, what });
    Job::from_events(events).expect("accepted first")
}

fn ended(status: Status, skipped: &[&str]) -> Happened {
    let skipped = skipped.iter().map(|name| (*name).into()).collect();
    let cause = (status != Status::Succeeded).then(|| Cause::new("lost", "gone"));
    let (artifacts, artifact_errors) = (Vec::new(), Vec::new());
    let (policy, warnings, timing) = (Vec::new(), Vec::new(), Timing { run_us: 9, ..Timing::default() });
    Happened::Ended(Box::new(Ended {
        status,
        cause,
        skipped,
        artifacts,
        artifact_errors,
        committed: None,
        policy,
        warnings,
        timing,
    }))
}

#[test]
fn outputs_come_from_their_pieces() {
    let mut step = StepResult::new("run", Status::Succeeded);
    (step.stdout.bytes, step.stderr.bytes) = (6, 20);
    let job = job(vec![
        Happened::Started { attempt: 1, queue_us: 5 },
        Happened::StepStarted { step: "run".into() },
        chunk(Stream::Stdout, 0, b"abc"),
        chunk(Stream::Stderr, 0, b"x\n"),
        chunk(Stream::Stdout, 3, "dé".as_bytes()),
        chunk(Stream::Stderr, 18, b"yz"),
        Happened::StepEnded { step: Box::new(step) },
        ended(Status::Succeeded, &[]),
    ]);
    assert_eq!(job.steps[0].stdout.text, "abcdé");
    assert_eq!(job.steps[0].stderr.text, "x\n\n[… 16 bytes dropped …]\nyz");
    assert!(job.steps[0].stderr.truncated && !job.steps[0].stdout.truncated);
    assert_eq!((job.status, job.attempt, job.timing.run_us), (Status::Succeeded, 1, 9));
}

#[test]
fn a_job_that_was_lost_keeps_what_it_printed() {
    let job = job(vec![
        Happened::Started { attempt: 1, queue_us: 5 },
        Happened::StepStarted { step: "run".into() },
        chunk(Stream::Stdout, 0, b"so far"),
        ended(Status::Lost, &["later"]),
    ]);
    let told: Vec<_> =
        job.steps.iter().map(|s| (s.name.as_str(), s.status, s.stdout.text.as_str())).collect();
    assert_eq!(told, [("run", Status::Lost, "so far"), ("later", Status::Skipped, "")]);
}

#[test]
fn a_further_attempt_begins_anew() {
    let job = job(vec![
        Happened::Started { attempt: 1, queue_us: 5 },
        Happened::StepStarted { step: "run".into() },
        chunk(Stream::Stdout, 0, b"first"),
        Happened::Requeued { reason: "restart".into() },
        Happened::Started { attempt: 2, queue_us: 5 },
        Happened::StepStarted { step: "run".into() },
        chunk(Stream::Stdout, 0, b"second"),
    ]);
    assert_eq!((job.attempt, job.status), (2, Status::Running));
    assert_eq!(job.steps[0].stdout.text, "second");
}

#[test]
fn notes_never_replace_a_label() {
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    let labels = one("a", "2").into_iter().chain(one("b", "3")).collect();
    let job = job(vec![Happened::Noted { labels, annotations: one("n", "4") }]);
    assert_eq!((job.labels["a"].as_str(), job.labels["b"].as_str()), ("1", "3"));
    assert_eq!(job.annotations, one("n", "4"));
}

#[test]
fn nothing_is_made_of_half_a_history() {
    let event = Event { seq: 2, at: jiff::Timestamp::UNIX_EPOCH, what: Happened::Paused };
    assert_eq!(Job::from_events([event]), None);
}
