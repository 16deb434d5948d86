use model::{Job, JobId, Status};
use supervise::Order;
use tokio::sync::mpsc;

use super::{Bounds, OVERHEAD, Records, Snapshot};
use crate::testing::{finished, job};

fn records(finished: usize, bytes: usize) -> Records {
    Records::new(Bounds { finished, bytes })
}

fn add(records: &Records) -> Job {
    let job = job(Status::Running);
    records.add(job.clone(), mpsc::channel(1).0);
    job
}

fn finish(records: &Records, bytes: usize) -> JobId {
    let job = add(records);
    records.finish(finished(job.clone(), bytes));
    job.id
}

#[test]
fn drops_the_oldest_finished_beyond_a_count() {
    let records = records(2, usize::MAX);
    let running = add(&records);
    let ids: Vec<_> = (0..4).map(|_| finish(&records, 1)).collect();
    let kept: Vec<_> = ids.iter().map(|id| records.get(*id).is_some()).collect();
    assert_eq!(kept, [false, false, true, true]);
    assert_eq!(records.get(running.id).map(|now| now.job.status), Some(Status::Running));
}

#[test]
fn drops_the_oldest_finished_beyond_a_size() {
    let records = records(usize::MAX, 2 * (OVERHEAD + 100));
    let ids: Vec<_> = (0..3).map(|_| finish(&records, 100)).collect();
    let kept: Vec<_> = ids.iter().map(|id| records.get(*id).is_some()).collect();
    assert_eq!(kept, [false, true, true]);
    assert_eq!(records.lock().bytes, 2 * (OVERHEAD + 100));
}

#[test]
fn keeps_the_newest_whatever_its_size() {
    let records = records(10, 10);
    let (first, second) = (finish(&records, 1000), finish(&records, 1000));
    assert!(records.get(first).is_none());
    assert!(records.get(second).is_some());
}

#[test]
fn counts_artifacts() {
    let records = records(10, usize::MAX);
    let mut snapshot = finished(add(&records), 0);
    snapshot.contents.insert("out".into(), vec![0; 500].into());
    records.finish(snapshot);
    assert_eq!(records.lock().bytes, OVERHEAD + 506);
}

#[test]
fn wakes_nobody_before_the_end() {
    let records = records(10, usize::MAX);
    let job = job(Status::Queued);
    let mut watching = records.add(job.clone(), mpsc::channel(1).0);
    watching.mark_unchanged();
    let job = Job { status: Status::Running, ..job };
    records.update(Snapshot { job: job.clone(), contents: [].into() });
    assert!(!watching.has_changed().expect("a record"));
    assert_eq!(watching.borrow().job.status, Status::Running);
    records.finish(finished(job, 0));
    assert!(watching.has_changed().expect("a record"));
}

#[test]
fn passes_orders_on_and_survives_too_many() {
    let records = records(10, usize::MAX);
    let (orders, mut inbox) = mpsc::channel(1);
    let job = job(Status::Running);
    records.add(job.clone(), orders);
    for _ in 0..3 {
        assert!(records.order(job.id, Order::Cancel).is_some());
    }
    assert_eq!(inbox.try_recv(), Ok(Order::Cancel));
    drop(inbox);
    assert!(records.order(job.id, Order::Cancel).is_some());
    assert!(records.order(JobId::new(), Order::Cancel).is_none());
}
