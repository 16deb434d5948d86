use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::*;

#[derive(Default)]
struct Seen {
    running: AtomicUsize,
    memory: AtomicU64,
    leases: AtomicUsize,
    expired: AtomicUsize,
    dropped: AtomicUsize,
}

/// One job: it waits and runs, or gives up after a while.
async fn job(queue: Local, nth: u64, seen: Arc<Seen>) {
    let memory_bytes = 1 + nth * 7 % 40;
    let deadline = (nth.is_multiple_of(5)).then(|| Instant::now() + Duration::from_micros(nth % 3_000));
    let tenant = ["a", "b", "c"][usize::try_from(nth % 3).expect("small")];
    let asked = Ask { memory_bytes, deadline, priority: i32::from(nth.is_multiple_of(2)), ..ask(tenant) };
    let mut ticket = queue.submit(asked).expect("room in the queue");
    let waited = if nth.is_multiple_of(7) {
        let Ok(ended) = timeout(Duration::from_micros(nth % 2_000), &mut ticket).await else {
            drop(ticket);
            seen.dropped.fetch_add(1, Relaxed);
            return;
        };
        ended
    } else {
        ticket.await
    };
    let Ok(lease) = waited else {
        seen.expired.fetch_add(1, Relaxed);
        return;
    };
    assert!(seen.running.fetch_add(1, Relaxed) < 3, "more jobs than slots");
    assert!(seen.memory.fetch_add(memory_bytes, Relaxed) + memory_bytes <= 100, "more memory than there is");
    if nth.is_multiple_of(3) {
        tokio::task::yield_now().await;
    } else if nth % 50 == 1 {
        sleep(Duration::from_millis(1)).await;
    }
    seen.running.fetch_sub(1, Relaxed);
    seen.memory.fetch_sub(memory_bytes, Relaxed);
    seen.leases.fetch_add(1, Relaxed);
    drop(lease);
}

/// Each job starts, expires or is dropped, none is left waiting, and never is more given than there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_at_once_lose_nothing() {
    const JOBS: u64 = 5_000;
    let (queue, seen) = (queue(3), Arc::new(Seen::default()));
    let mut tasks = JoinSet::new();
    for nth in 0..JOBS {
        tasks.spawn(job(queue.clone(), nth, Arc::clone(&seen)));
    }
    while let Some(ended) = timeout(Duration::from_mins(1), tasks.join_next()).await.expect("nobody is lost")
    {
        ended.expect("no panic");
    }
    let Seen { leases, expired, dropped, .. } = &*seen;
    let ended = [leases, expired, dropped].map(|count| count.load(Relaxed));
    assert_eq!(ended.iter().sum::<usize>() as u64, JOBS, "{ended:?}");
    timeout(Duration::from_secs(1), queue.drain()).await.expect("nothing is left");
    let state = queue.shared.lock();
    assert!(state.wakers.is_empty() && !state.core.is_wanted());
}
