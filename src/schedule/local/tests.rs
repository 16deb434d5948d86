mod threads;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use model::JobId;
use tokio::time::{Instant, advance, timeout};

use super::*;
use crate::{Expired, Quota, Reason};

fn queue(slots: usize) -> Local {
    let capacity = Capacity { slots, memory_bytes: 100, cpu_millis: 1_000, max_queued: 100_000 };
    Local::new(capacity, Quotas::default())
}

fn ask(tenant: &str) -> Ask {
    Ask {
        id: JobId::new(),
        tenant: tenant.into(),
        priority: 0,
        memory_bytes: 1,
        cpu_millis: 1,
        deadline: None,
        counted: true,
    }
}

/// What its next poll says, when nobody is to be woken.
fn look(ticket: &mut Ticket) -> Option<Result<Lease, Expired>> {
    match Pin::new(ticket).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(ended) => Some(ended),
        Poll::Pending => None,
    }
}

#[test]
fn ready_at_the_first_poll_where_there_is_room_and_no_runtime_needed() {
    let queue = queue(1);
    let asked = ask("a");
    let mut ticket = queue.submit(asked.clone()).expect("room");
    assert_eq!((ticket.id(), ticket.position()), (asked.id, None));
    let lease = look(&mut ticket).expect("at once").expect("not expired");
    assert_eq!(lease.id(), asked.id);
    let mut second = queue.submit(ask("a")).expect("room in the queue");
    assert!(look(&mut second).is_none());
    assert_eq!(second.position(), Some(0));
    drop(lease);
    let _lease = look(&mut second).expect("its turn").expect("not expired");
}

#[tokio::test]
async fn the_end_of_one_wakes_the_next() {
    let queue = queue(1);
    let lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    let next = tokio::spawn(queue.submit(ask("b")).expect("room in the queue"));
    tokio::task::yield_now().await;
    assert!(!next.is_finished());
    drop(lease);
    drop(next.await.expect("no panic").expect("its turn"));
    assert_eq!(queue.load().total.running, 0);
}

#[tokio::test]
async fn a_dropped_ticket_leaves_the_line_or_gives_up_its_turn() {
    let queue = queue(1);
    let lease = queue.submit(ask("a")).expect("room").await;
    let mut leaves = queue.submit(ask("a")).expect("room in the queue");
    let gives_up = queue.submit(ask("a")).expect("room in the queue");
    let mut last = queue.submit(ask("a")).expect("room in the queue");
    assert!(look(&mut leaves).is_none() && look(&mut last).is_none());
    assert_eq!(last.position(), Some(2));
    drop(leaves);
    assert_eq!(last.position(), Some(1));
    drop(lease);
    assert_eq!((queue.load().total.running, gives_up.position()), (1, None));
    drop(gives_up);
    drop(last.await.expect("its turn"));
    let state = queue.shared.lock();
    assert!(state.wakers.is_empty() && state.core.is_idle());
}

#[tokio::test(start_paused = true)]
async fn expires_at_its_deadline() {
    let queue = queue(1);
    let lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    let start = Instant::now();
    let deadline = start + Duration::from_millis(1_500);
    let ticket = queue.submit(Ask { deadline: Some(deadline), ..ask("a") }).expect("room in the queue");
    assert_eq!(ticket.await.expect_err("nothing ended"), Expired);
    assert!((1_500..1_510).contains(&start.elapsed().as_millis()));
    assert_eq!(queue.load().total.queued, 0);
    drop(lease);
    let mut late = queue.submit(Ask { deadline: Some(deadline), ..ask("a") }).expect("not refused");
    for _ in 0..2 {
        assert_eq!(look(&mut late).expect("at once").expect_err("it is too late"), Expired);
    }
    let in_time = Instant::now() + Duration::from_secs(1);
    drop(queue.submit(Ask { deadline: Some(in_time), ..ask("a") }).expect("room").await.expect("at once"));
}

/// A turn that came before the deadline stays, also when nobody looked in between.
#[tokio::test(start_paused = true)]
async fn a_turn_before_the_deadline_counts() {
    let queue = queue(1);
    let lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    let deadline = Some(Instant::now() + Duration::from_secs(1));
    let mut ticket = queue.submit(Ask { deadline, ..ask("a") }).expect("room in the queue");
    assert!(look(&mut ticket).is_none());
    drop(lease);
    advance(Duration::from_secs(2)).await;
    drop(ticket.await.expect("it had its turn"));
}

/// A reserved turn that passes must not leave others waiting for a wake-up that nobody gives.
#[tokio::test(start_paused = true)]
async fn whoever_was_kept_back_is_woken_by_an_expiry() {
    let queue = queue(4);
    let large = |deadline| Ask { memory_bytes: 80, deadline, ..ask("a") };
    let _running = queue.submit(large(None)).expect("room").await.expect("at once");
    let deadline = Some(Instant::now() + Duration::from_secs(1));
    let expires = tokio::spawn(queue.submit(large(deadline)).expect("room in the queue"));
    let kept_back = tokio::spawn(queue.submit(ask("a")).expect("room in the queue"));
    assert!(expires.await.expect("no panic").is_err());
    drop(
        timeout(Duration::from_secs(1), kept_back)
            .await
            .expect("woken")
            .expect("no panic")
            .expect("its turn"),
    );
}

#[tokio::test]
async fn a_further_lane_is_given_back_when_dropped() {
    let (queue, other) = (queue(2), queue(2));
    let lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    assert!(other.more(&lease, 1, 1).is_none(), "the lease of another queue");
    let extra = queue.more(&lease, 1, 1).expect("a slot is free");
    assert!(queue.more(&lease, 1, 1).is_none(), "no slot is free");
    let ticket = queue.submit(ask("b")).expect("room in the queue");
    drop(extra);
    drop(ticket.await.expect("its turn"));
    drop(queue.more(&lease, 1, 1).expect("given back"));
}

#[tokio::test]
async fn a_seat_is_a_place_that_submitting_takes_over() {
    let queue = queue(1);
    let first = queue.seat("a", 10);
    let second = queue.seat("a", 10);
    assert_eq!(first.before().total.running, 0);
    let seen = second.before().total;
    assert_eq!((seen.running, seen.queued, seen.reserved_memory_bytes), (1, 0, 10));
    drop(first);
    assert_eq!(queue.load().total.queued, 0);
    let ticket = queue.submit_seated(ask("a"), Some(second)).expect("room");
    let load = queue.load().total;
    assert_eq!((load.running, load.queued, load.reserved_memory_bytes), (1, 0, 1));
    drop(ticket);
    assert_eq!(queue.load().total.running, 0);
    // Refused, it is given up all the same.
    let seat = queue.seat("a", 10);
    let refused =
        queue.submit_seated(Ask { memory_bytes: 101, ..ask("a") }, Some(seat)).expect_err("too large");
    assert!(matches!(refused.reason, Reason::NeverFits { .. }));
    assert_eq!(refused.to_string(), "it asks for 101 bytes of memory, and the host has 100 for jobs");
    assert!(queue.load().tenants["a"].queued + queue.load().tenants["a"].running == 0);
}

#[tokio::test]
async fn draining_refuses_from_the_call_on_and_ends_with_the_last() {
    let queue: crate::Queue = Arc::new(queue(1));
    let lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    let extra_ticket = queue.submit(ask("a")).expect("room in the queue");
    let mut drained = queue.drain();
    assert_eq!(queue.submit(ask("a")).map(drop).map_err(|r| r.reason), Err(Reason::Stopping));
    assert_eq!(queue.room("a").map_err(|r| r.reason), Err(Reason::Stopping));
    let is_over =
        |drained: &mut Drained| drained.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
    assert!(!is_over(&mut drained));
    drop(lease);
    let lease = extra_ticket.await.expect("its turn, all the same");
    assert!(!is_over(&mut drained));
    let waits = tokio::spawn(drained);
    tokio::task::yield_now().await;
    drop(lease);
    waits.await.expect("it is told");
    queue.drain().await;
}

#[tokio::test]
async fn new_quotas_wake_who_may_start_by_them() {
    let queue = queue(2);
    let max_running =
        |max| Quotas { default: Quota { max_running: Some(max), ..Quota::default() }, ..Quotas::default() };
    queue.set_quotas(max_running(1));
    let _lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    let next = tokio::spawn(queue.submit(ask("a")).expect("room in the queue"));
    tokio::task::yield_now().await;
    queue.set_quotas(max_running(2));
    drop(next.await.expect("no panic").expect("its turn"));
}

/// The newest waker is the one that is woken: a ticket may move from one task to another.
#[tokio::test]
async fn a_ticket_may_change_hands() {
    let queue = queue(1);
    let lease = queue.submit(ask("a")).expect("room").await.expect("at once");
    let mut ticket = queue.submit(ask("a")).expect("room in the queue");
    poll_fn(|context| {
        assert!(pin!(&mut ticket).poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
    let moved = tokio::spawn(ticket);
    tokio::task::yield_now().await;
    drop(lease);
    drop(moved.await.expect("no panic").expect("its turn"));
}
