use admission::{Additions, Facts};
use model::{Decision, Job, JobId, Status};
use supervise::Order;
use tokio::sync::mpsc;

use super::size::OVERHEAD;
use super::{Arrival, Bounds, MOST_NOTES, Records, Snapshot};
use crate::testing::{arrival, decision, finished, job};

fn records(finished: usize, bytes: usize) -> Records {
    Records::new(Bounds { running: 1, finished, bytes })
}

fn add(records: &Records) -> Job {
    let job = job(Status::Running);
    records.add(job.clone(), arrival());
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
    let mut watching = records.add(job.clone(), arrival());
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
    records.add(job.clone(), Arrival { orders, ..arrival() });
    for _ in 0..3 {
        assert!(records.order(job.id, Order::Cancel).is_some());
    }
    assert_eq!(inbox.try_recv(), Ok(Order::Cancel));
    drop(inbox);
    assert!(records.order(job.id, Order::Cancel).is_some());
    assert!(records.order(JobId::new(), Order::Cancel).is_none());
}

fn additions(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Additions {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    Additions { labels: map(labels), annotations: map(annotations) }
}

#[test]
fn notes_of_policies_outlive_what_the_job_does() {
    let records = records(10, usize::MAX);
    let mut begun = job(Status::Queued);
    begun.labels.insert("team".into(), "ci".into());
    records.add(begun.clone(), arrival());
    records.amend(begun.id, additions(&[("team", "no"), ("seen", "1")], &[("a", "first"), ("b", "x")]));
    records.update(Snapshot { job: Job { status: Status::Running, ..begun.clone() }, contents: [].into() });
    records.amend(begun.id, additions(&[], &[("a", "second")]));
    let before = records.lock().bytes;
    let kept = records.finish(finished(begun.clone(), 7)).expect("a known job");
    assert_eq!((before, records.lock().bytes), (0, OVERHEAD + 7 + "teamci".len() + "seen1asecondbx".len()));
    records.amend(begun.id, additions(&[], &[("a", "3"), ("c", "d")]));
    assert_eq!(records.lock().bytes, OVERHEAD + 7 + "teamci".len() + "seen1a3bxcd".len());
    let end = records.get(begun.id).expect("a known job");
    let all = additions(&[("team", "ci"), ("seen", "1")], &[("a", "3"), ("b", "x"), ("c", "d")]);
    assert_eq!((&end.job.labels, &end.job.annotations), (&all.labels, &all.annotations));
    assert_eq!(kept.job.annotations["a"], "second", "who has it already keeps what it has");
    records.amend(JobId::new(), additions(&[], &[("a", "b")]));
}

#[test]
fn notes_are_bounded_in_number_and_counted_in_size() {
    let records = records(10, usize::MAX);
    let first = finish(&records, 1);
    let pairs = |range: std::ops::Range<usize>| -> Vec<(String, String)> {
        range.map(|i| (format!("k{i}"), "v".into())).collect()
    };
    let many = |range| Additions {
        labels: pairs(std::ops::Range::clone(&range)).into_iter().collect(),
        annotations: pairs(range).into_iter().collect(),
    };
    records.amend(first, many(0..50));
    records.amend(first, many(40..100));
    let job = records.get(first).expect("a known job").job.clone();
    assert_eq!((job.labels.len(), job.annotations.len()), (MOST_NOTES, MOST_NOTES));
    records.amend(first, additions(&[], &[("k0", "changed")]));
    assert_eq!(records.get(first).expect("a known job").job.annotations["k0"], "changed");

    let records = self::records(10, 2 * OVERHEAD + 100);
    let (first, second) = (finish(&records, 1), finish(&records, 1));
    records.amend(second, additions(&[], &[("note", &"x".repeat(200))]));
    assert!(records.get(first).is_none() && records.get(second).is_some());
}

#[test]
fn counts_what_policies_said() {
    let records = records(10, usize::MAX);
    let mut snapshot = finished(add(&records), 0);
    snapshot.job.warnings.push("w".repeat(10));
    records.finish(snapshot);
    let without = records.lock().bytes;
    assert_eq!(without, OVERHEAD + 10);
    let mut snapshot = finished(add(&records), 0);
    snapshot.job.policy.push(Decision { reason: Some("r".repeat(1000)), ..decision("p") });
    records.finish(snapshot);
    let with = records.lock().bytes - without - OVERHEAD;
    assert!((1000..1400).contains(&with), "{with}");
}

#[test]
fn facts_follow_the_jobs() {
    let records = records(10, usize::MAX);
    let facts = |running: u32, queued: u32, reserved: u64| {
        let some = |count: u32| (count > 0).then(|| ("default".to_owned(), count)).into_iter().collect();
        let reserved_memory_bytes =
            (running > 0).then(|| ("default".to_owned(), reserved)).into_iter().collect();
        Facts { running_jobs: some(running), queued_jobs: some(queued), reserved_memory_bytes }
    };
    assert_eq!(records.facts(), facts(0, 0, 0));
    let (before, seat) = records.sit_down("default", 8);
    assert_eq!((before, records.facts()), (facts(0, 0, 0), facts(1, 0, 8)), "it will run at once");
    let (before, denied) = records.sit_down("default", 5);
    assert_eq!((before, records.facts()), (facts(1, 0, 8), facts(1, 1, 13)), "there is one slot");
    drop(denied);
    let queued = job(Status::Queued);
    records.add(queued.clone(), Arrival { memory: 7, seat: Some(seat), ..arrival() });
    assert_eq!(records.facts(), facts(1, 0, 7), "as the policies left it");
    let running = Job { status: Status::Running, ..queued };
    records.update(Snapshot { job: running.clone(), contents: [].into() });
    let (_, seat) = records.sit_down("default", 5);
    assert_eq!(records.facts(), facts(1, 1, 7), "who waits reserves nothing");
    records.finish(finished(running, 0));
    assert_eq!(records.facts(), facts(1, 0, 5));
    drop(seat);
    assert_eq!(records.facts(), facts(0, 0, 0));
}
