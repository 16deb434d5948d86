use std::sync::Arc;
use std::time::Duration;

use model::{Artifact, Cause, Status, Timing};
use supervise::{Collected, Order, Outcome};
use tokio::sync::{mpsc, oneshot, watch};

use super::{Entry, QueueFull, Runner};
use crate::records::{Bounds, Records, Snapshot};
use crate::testing::admitted;

type Watching = watch::Receiver<Arc<Snapshot>>;

fn runner(max_running: usize, max_queued: usize) -> Runner {
    Runner::new(
        Records::new(Bounds { running: max_running, finished: 100, bytes: usize::MAX }),
        max_running,
        max_queued,
    )
}

fn entry() -> Entry {
    Entry::new(&admitted(), None, Duration::from_micros(7))
}

fn outcome(status: Status) -> Outcome {
    let artifact = Artifact { path: "out/a".into(), bytes: 1, digest: "sha256:00".into() };
    Outcome {
        status,
        cause: Some(Cause::new("signal", "a signal")),
        steps: Vec::new(),
        artifacts: vec![Collected { artifact, contents: vec![7] }],
        artifact_errors: Vec::new(),
        policy: Vec::new(),
        warnings: Vec::new(),
        isolation: None,
        timing: Timing { admit_us: 99, queue_us: 99, setup_us: 3, run_us: 4, collect_us: 5 },
    }
}

/// A job that runs until told to end, or until it is cancelled.
fn held(runner: &Runner) -> Result<(Watching, oneshot::Sender<()>), QueueFull> {
    let (release, released) = oneshot::channel::<()>();
    let run = |mut orders: mpsc::Receiver<Order>| async move {
        tokio::select! {
            _ = released => outcome(Status::Succeeded),
            Some(Order::Cancel) = orders.recv() => outcome(Status::Cancelled),
        }
    };
    Ok((runner.submit(runner.reserve()?, entry(), run), release))
}

async fn until(watching: &mut Watching, status: Status) {
    // `Running` wakes nobody, so yielding is how a test sees it.
    for _ in 0..1000 {
        if watching.borrow().job.status == status {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("still {:?}", watching.borrow().job.status);
}

async fn ended(watching: &mut Watching) -> Arc<Snapshot> {
    Arc::clone(&*watching.wait_for(|now| now.job.status.is_final()).await.expect("an end"))
}

#[tokio::test]
async fn a_job_is_queued_then_runs_then_ends() {
    let (mut watching, release) = held(&runner(1, 0)).expect("a free place");
    assert_eq!(watching.borrow().job.status, Status::Queued);
    until(&mut watching, Status::Running).await;
    assert!(watching.borrow().job.started_at.is_some());
    release.send(()).expect("a job that listens");
    let end = ended(&mut watching).await;
    assert_eq!(end.job.status, Status::Succeeded);
    assert!(end.job.finished_at >= end.job.started_at);
    assert_eq!(end.job.artifacts[0].path, "out/a");
    assert_eq!(&end.contents["out/a"][..], [7]);
    let timing = end.job.timing;
    assert_eq!((timing.admit_us, timing.setup_us, timing.run_us, timing.collect_us), (7, 3, 4, 5));
    assert_ne!(timing.queue_us, 99);
}

#[tokio::test]
async fn a_job_over_the_queue_is_refused_until_one_has_ended() {
    let runner = runner(1, 1);
    let (mut first, release) = held(&runner).expect("a free place");
    let (mut second, _keep) = held(&runner).expect("a free place");
    assert_eq!(held(&runner).err(), Some(QueueFull));
    until(&mut first, Status::Running).await;
    assert_eq!(second.borrow().job.status, Status::Queued);
    release.send(()).expect("a job that listens");
    ended(&mut first).await;
    // At once: a place is given back before the end is told.
    held(&runner).expect("a free place");
    until(&mut second, Status::Running).await;
}

#[tokio::test]
async fn a_queued_job_is_cancelled_without_running() {
    let runner = runner(1, 1);
    let (mut first, release) = held(&runner).expect("a free place");
    until(&mut first, Status::Running).await;
    let run = |_| async { panic!("it ran") };
    let mut second = runner.submit(runner.reserve().expect("a free place"), entry(), run);
    let id = second.borrow().job.id;
    runner.records.order(id, Order::Cancel).expect("a known job");
    let end = ended(&mut second).await;
    assert_eq!(end.job.status, Status::Cancelled);
    assert_eq!(end.job.started_at, None);
    assert_eq!(end.job.cause.as_ref().map(|c| c.kind.as_str()), Some("cancelled"));
    held(&runner).expect("a free place");
    release.send(()).expect("a job that listens");
}

#[tokio::test]
async fn a_running_job_hears_of_its_cancellation() {
    let runner = runner(1, 0);
    let (mut watching, _release) = held(&runner).expect("a free place");
    until(&mut watching, Status::Running).await;
    let id = watching.borrow().job.id;
    runner.records.order(id, Order::Cancel).expect("a known job");
    assert_eq!(ended(&mut watching).await.job.status, Status::Cancelled);
}

#[tokio::test]
async fn a_panic_ends_the_job_as_our_fault_and_frees_its_place() {
    let runner = runner(1, 0);
    for _ in 0..3 {
        let run = |_| async {
            tokio::task::yield_now().await;
            panic!("on purpose")
        };
        let mut watching = runner.submit(runner.reserve().expect("a free place"), entry(), run);
        let end = ended(&mut watching).await;
        assert_eq!(end.job.status, Status::InternalError);
        assert!(end.job.finished_at.is_some());
        // The place goes right after the job's end when the task is unwound.
        while runner.places.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(runner.slots.available_permits(), 1);
}

#[tokio::test]
async fn nobody_needs_to_watch() {
    let runner = runner(1, 0);
    let (watching, release) = held(&runner).expect("a free place");
    let id = watching.borrow().job.id;
    drop(watching);
    release.send(()).expect("a job that listens");
    ended(&mut runner.records.watch(id).expect("a known job")).await;
}

#[tokio::test]
async fn the_server_waits_for_all_of_a_job() {
    let runner = runner(1, 1);
    let drain = runner.drain(1, 1);
    let (first, release) = held(&runner).expect("a free place");
    let (second, _release) = held(&runner).expect("a free place");
    runner.records.order(second.borrow().job.id, Order::Cancel).expect("a known job");
    let idle = tokio::spawn(async move { drain.idle().await });
    tokio::task::yield_now().await;
    assert!(!idle.is_finished());
    release.send(()).expect("a job that listens");
    idle.await.expect("no panic");
    assert!([first, second].iter().all(|watching| watching.borrow().job.status.is_final()));
}

#[tokio::test]
async fn running_jobs_are_facts() {
    let runner = runner(1, 1);
    let (mut first, release) = held(&runner).expect("a free place");
    let (_second, _release) = held(&runner).expect("a free place");
    until(&mut first, Status::Running).await;
    let facts = runner.records.facts();
    let memory = model::Limits::defaults().memory_bytes;
    assert_eq!(facts.running_jobs, [("default".into(), 1)].into());
    assert_eq!(facts.queued_jobs, [("default".into(), 1)].into());
    assert_eq!(facts.reserved_memory_bytes, [("default".into(), memory)].into());
    release.send(()).expect("a job that listens");
    ended(&mut first).await;
    assert!(runner.records.facts().queued_jobs.len() + runner.records.facts().running_jobs.len() == 1);
}

#[tokio::test]
async fn what_was_said_of_the_container_comes_after_what_was_said_before() {
    let runner = runner(1, 0);
    let vetoed = Outcome { warnings: vec!["later".into()], ..outcome(Status::Denied) };
    let place = runner.reserve().expect("a free place");
    let mut watching = runner.submit(place, entry(), |_| async { vetoed });
    let end = ended(&mut watching).await;
    assert_eq!((end.job.status, &end.job.warnings[..]), (Status::Denied, &["later".to_owned()][..]));
}
