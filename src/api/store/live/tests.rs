use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use journal::NewJob;
use model::{Chunk, Happened, Status, Stream};
use tokio::time::timeout;

use super::Live;
use crate::testing::{State, admitted, ended, live};

async fn taken_in(state: &State) -> Arc<Live> {
    let live = live();
    let admitted = admitted();
    let new = NewJob { spec: admitted.spec(), events: live.first(), idempotency: None };
    state.store.journal.accept(new).await.expect("accepted");
    live.accepted();
    live
}

fn numbers(live: &Live, after: u64) -> Vec<u64> {
    live.events(after, 100).iter().map(|event| event.seq).collect()
}

#[tokio::test]
async fn nothing_is_told_that_the_journal_does_not_have() {
    let state = State::new();
    let live = live();
    assert!(numbers(&live, 0).is_empty());
    let admitted = admitted();
    let new = NewJob { spec: admitted.spec(), events: live.first(), idempotency: None };
    state.store.journal.accept(new).await.expect("accepted");
    live.accepted();
    live.happened(Happened::Started { attempt: 1, queue_us: 2 });
    assert_eq!(numbers(&live, 0), [1]);
    live.write(&state.store.journal).await.expect("written");
    assert_eq!((numbers(&live, 0), numbers(&live, 1), numbers(&live, 9)), (vec![1, 2], vec![2], vec![]));
    let written = state.store.journal.events(live.id, 0, 10).expect("read").expect("there");
    assert_eq!(written.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn a_listener_hears_what_happens_while_the_job_runs() {
    let state = State::new();
    let live = taken_in(&state).await;
    let mut listener = live.listen();
    let hear = async {
        listener.beyond(1).await;
        numbers(&live, 1)
    };
    let tell = async {
        live.happened(Happened::StepStarted { step: "run".into() });
        tokio::time::sleep(Duration::from_mins(1)).await;
    };
    tokio::select! {
        heard = hear => assert_eq!(heard, [2]),
        () = live.keep(&state.store.journal) => unreachable!("it never ends"),
        () = tell => panic!("not told"),
    }
}

#[tokio::test]
async fn the_end_is_told_to_all_who_wait() {
    let state = State::new();
    let live = taken_in(&state).await;
    let waiting = tokio::spawn({
        let live = Arc::clone(&live);
        async move {
            live.ended().await;
            live.job()
        }
    });
    let finished = live.finish(ended(Status::Failed, Vec::new()), &state.store.journal, None);
    assert!(!live.is_final(), "nobody hears of it before it is told");
    finished.commit.await.expect("written");
    live.tell(finished.job, finished.last);
    let job = waiting.await.expect("no panic").expect("an end");
    assert_eq!((job.status, live.is_final()), (Status::Failed, true));
    assert_eq!(state.store.journal.job(live.id).expect("read").as_ref(), Some(&*job), "one job, told twice");
}

#[test]
fn it_waits_since_it_was_put_back() {
    let live = live();
    live.happened(Happened::Requeued { reason: "restart".into() });
    live.happened(Happened::Paused);
    // After the one that it was accepted with.
    let put_back = &live.history()[1];
    assert!(matches!(put_back.what, Happened::Requeued { .. }));
    assert_eq!(live.waits_since(), Some(put_back.at));
}

#[tokio::test]
async fn what_came_before_it_ran_is_known_without_the_rest() {
    let live = live();
    let same = || live.job().map(|job| (job.timing.admit_us, job.timing.queue_us)) == Some(live.before());
    assert_eq!((live.before(), same()), ((1, 0), true));
    live.happened(Happened::Started { attempt: 1, queue_us: 2 });
    live.happened(Happened::Requeued { reason: "restart".into() });
    assert_eq!((live.before(), same()), ((1, 2), true));
    live.happened(Happened::Started { attempt: 2, queue_us: 3 });
    live.happened(Happened::StepStarted { step: "run".into() });
    assert_eq!((live.before(), same()), ((1, 3), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_told_has_no_gap_in_the_journal() {
    let state = State::new();
    let live = taken_in(&state).await;
    let writers = (0..4).map(|_| {
        let (live, journal) = (Arc::clone(&live), state.store.journal.clone());
        tokio::spawn(async move {
            for _ in 0..200 {
                live.happened(Happened::Paused);
                live.write(&journal).await.expect("written");
                let told = live.events(0, usize::MAX).len();
                let kept = journal.events(live.id, 0, usize::MAX).expect("read").expect("there").len();
                assert!(told <= kept, "{told} told, {kept} kept");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    assert_eq!(numbers(&live, 700), (701..=801).take(100).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_another_writes_is_waited_for() {
    let state = State::new();
    let live = taken_in(&state).await;
    live.happened(Happened::Started { attempt: 1, queue_us: 0 });
    let (one, other) = tokio::join!(live.write(&state.store.journal), async {
        let written = live.write(&state.store.journal).await;
        (written, state.store.journal.job(live.id).expect("read").map(|job| job.status))
    });
    one.expect("written");
    assert!(matches!(other, (Ok(()), Some(Status::Running))), "{other:?}");
}

#[tokio::test]
async fn a_listener_to_a_job_that_is_left_waiting_is_let_go() {
    let state = State::new();
    let live = taken_in(&state).await;
    let mut listener = live.listen();
    let job = live.job().expect("accepted");
    let (heard, ()) =
        tokio::join!(timeout(Duration::from_mins(1), listener.beyond(1)), async { live.tell(job, 0) });
    heard.expect("in time");
    assert!(numbers(&live, 1).is_empty());
}

#[tokio::test]
async fn what_is_printed_byte_by_byte_is_few_events() {
    let state = State::new();
    let live = taken_in(&state).await;
    let prints = |offsets: Range<u64>| {
        for offset in offsets {
            live.happened(Happened::Output(Chunk::new("run", Stream::Stdout, offset, vec![0xff])));
        }
    };
    prints(0..1000);
    live.write(&state.store.journal).await.expect("written");
    assert_eq!(numbers(&live, 1), [2]);
    // What was told stays as it was.
    prints(1000..100_000);
    live.write(&state.store.journal).await.expect("written");
    let events = live.events(1, usize::MAX);
    assert!(events.len() < 20, "{}", events.len());
    let bytes = events.iter().flat_map(|event| match &event.what {
        Happened::Output(chunk) => chunk.bytes(),
        other => panic!("{other:?}"),
    });
    assert_eq!(bytes.collect::<Vec<_>>(), vec![0xff; 100_000]);
}
