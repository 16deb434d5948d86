use std::time::Duration;

use journal::NewJob;
use model::Happened;
use tokio::time::timeout;

use super::*;
use crate::runner::begin::Begin;
use crate::testing::{State, admitted, live};

/// A job that the journal has and that runs, and what tells that the server stops.
async fn running(state: &State) -> (Ending, watch::Sender<bool>) {
    let (live, admitted) = (live(), admitted());
    let new = NewJob { spec: admitted.spec(), events: live.first(), idempotency: None };
    state.store.journal.accept(new).await.expect("accepted");
    live.accepted();
    live.happened(Happened::Started { attempt: 1, queue_us: 2 });
    live.write(&state.store.journal).await.expect("written");
    state.store.add(Arc::clone(&live));
    let stop = watch::Sender::new(false);
    let ending = Ending {
        store: state.store.clone(),
        callbacks: Callbacks::start(state.store.journal.clone(), &[]),
        stopping: stop.subscribe(),
        live,
        held: None,
        follower: None,
        callback: None,
        steps: vec!["run".into()],
        telemetry: Telemetry::off(),
        trace: Trace::default(),
        over: false,
    };
    (ending, stop)
}

fn outcome(status: Status) -> Outcome {
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into();
    let artifact = Artifact { path: "out/a".into(), bytes: 3, digest };
    Outcome {
        status,
        cause: Some(Cause::new("signal", "a signal")),
        steps: vec![StepResult::new("run", status), StepResult::new("later", Status::Skipped)],
        artifacts: vec![Collected { artifact, contents: b"abc".into() }],
        artifact_errors: Vec::new(),
        policy: Vec::new(),
        warnings: vec!["later".into()],
        isolation: None,
        built: Vec::new(),
        timing: Timing { admit_us: 99, queue_us: 99, setup_us: 3, run_us: 4, collect_us: 5 },
        again: None,
    }
}

async fn told(live: &Live) -> Arc<Job> {
    timeout(Duration::from_mins(1), live.ended()).await.expect("in time");
    live.job().expect("a job")
}

fn journaled(state: &State, id: JobId) -> Job {
    state.store.journal.job(id).expect("read").expect("there")
}

#[tokio::test]
async fn an_outcome_is_in_the_journal_before_it_is_told() {
    let state = State::new();
    let (ending, _stop) = running(&state).await;
    let live = Arc::clone(&ending.live);
    let end = tokio::spawn({
        let (state, live) = (state.store.clone(), Arc::clone(&live));
        async move {
            let job = told(&live).await;
            assert!(state.live(job.id).is_none());
            assert_eq!(state.journal.job(job.id).expect("read").as_ref(), Some(&*job));
        }
    });
    ending.ended(outcome(Status::Failed), None).await;
    end.await.expect("no panic");
    let job = told(&live).await;
    let timing = Timing { admit_us: 1, queue_us: 2, setup_us: 3, run_us: 4, collect_us: 5 };
    assert_eq!(
        (job.status, job.timing, &job.warnings[..]),
        (Status::Failed, timing, &["later".to_owned()][..])
    );
    assert_eq!(job.steps.iter().map(|step| &*step.name).collect::<Vec<_>>(), ["later"]);
    let kept = state.store.journal.blobs().read(&job.artifacts[0].digest, 3);
    assert_eq!(kept.expect("its bytes"), b"abc");
}

#[tokio::test]
async fn an_artifact_that_cannot_be_stored_is_told() {
    let state = State::new();
    std::fs::remove_dir(state.folder.join("blobs/incoming")).expect("an empty folder");
    let (ending, _stop) = running(&state).await;
    let live = Arc::clone(&ending.live);
    ending.ended(outcome(Status::Succeeded), None).await;
    let job = told(&live).await;
    let errors: Vec<_> = job.artifact_errors.iter().map(|error| (&*error.path, &*error.code)).collect();
    assert_eq!((job.artifacts.len(), errors), (0, vec![("out/a", "not_stored")]));
}

#[tokio::test]
async fn a_panic_ends_the_job_as_our_fault() {
    let state = State::new();
    let (ending, _stop) = running(&state).await;
    let live = Arc::clone(&ending.live);
    let task = tokio::spawn(async move {
        let _ending = ending;
        panic!("on purpose");
    });
    assert!(task.await.expect_err("a panic").is_panic());
    let job = told(&live).await;
    assert_eq!((job.status, job.timing.queue_us), (Status::InternalError, 2));
    assert_eq!(job.steps, [StepResult::new("run", Status::Skipped)]);
    assert_eq!(journaled(&state, live.id), *job);
    assert!(state.store.live(live.id).is_none());
}

#[tokio::test]
async fn a_server_that_stops_leaves_the_end_to_its_next_start() {
    let state = State::new();
    let (ending, stop) = running(&state).await;
    let live = Arc::clone(&ending.live);
    stop.send_replace(true);
    drop(ending);
    tokio::task::yield_now().await;
    state.store.journal.settled().await.expect("written");
    assert_eq!(journaled(&state, live.id).status, Status::Running);
    assert!(!live.is_final());
}

#[tokio::test]
async fn what_only_the_next_start_can_run_is_cancelled_and_expires() {
    for (cancels, patience, status) in
        [(true, None, Status::Cancelled), (false, Some(Duration::ZERO), Status::Expired)]
    {
        let state = State::new();
        let (ending, _stop) = running(&state).await;
        let live = Arc::clone(&ending.live);
        live.happened(Happened::Requeued { reason: "the launcher ended".into() });
        let (orders, inbox) = mpsc::channel(2);
        let before = tokio::spawn({
            let live = Arc::clone(&live);
            async move { told(&live).await.status }
        });
        tokio::task::yield_now().await;
        let waiting = tokio::spawn(ending.waits(inbox, patience));
        if cancels {
            assert_eq!(before.await.expect("no panic"), Status::Queued, "for a start that may not come");
            let later = timeout(Duration::from_millis(20), live.ended()).await;
            assert!(later.is_err() && !live.is_final(), "who comes now waits for what becomes of it");
            for order in [Order::Pause, Order::Cancel] {
                orders.send(order).await.expect("somebody reads it");
            }
        }
        waiting.await.expect("no panic");
        assert_eq!(told(&live).await.status, status);
        assert_eq!(journaled(&state, live.id).status, status);
        assert!(state.store.live(live.id).is_none());
    }
}

#[tokio::test]
async fn what_only_the_next_start_can_run_is_left_to_it() {
    let state = State::new();
    let (ending, stop) = running(&state).await;
    let live = Arc::clone(&ending.live);
    live.happened(Happened::Requeued { reason: "the launcher ended".into() });
    live.write(&state.store.journal).await.expect("written");
    let (_orders, inbox) = mpsc::channel(1);
    let waiting = tokio::spawn(ending.waits(inbox, Some(Duration::from_hours(1))));
    stop.send_replace(true);
    waiting.await.expect("no panic");
    assert_eq!(journaled(&state, live.id).status, Status::Queued);
}

#[tokio::test]
async fn nothing_can_be_written_without_a_runtime() {
    let state = State::new();
    let (ending, _stop) = running(&state).await;
    let live = Arc::clone(&ending.live);
    std::thread::spawn(move || drop(ending)).join().expect("no panic");
    assert_eq!(journaled(&state, live.id).status, Status::Running);
}

#[tokio::test]
async fn what_the_journal_refuses_ends_all_the_same() {
    let state = State::new();
    let (mut ending, _stop) = running(&state).await;
    // The journal does not know this one.
    let unknown = live();
    unknown.happened(Happened::Started { attempt: 2, queue_us: 0 });
    state.store.add(Arc::clone(&unknown));
    ending.live = Arc::clone(&unknown);
    let kept = Begin::Known.kept(&state.store.journal, &unknown, admitted().spec()).await;
    kept.expect_err("refused").end(ending).await;
    assert_eq!(told(&unknown).await.status, Status::InternalError);
    assert!(state.store.live(unknown.id).is_none());
}
