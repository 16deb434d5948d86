//! Filters, pages, and lists that stay whole while jobs come.

use std::collections::BTreeSet;

use jiff::ToSpan;

use super::*;
use crate::Filter;

fn ids(jobs: &[Job]) -> Vec<JobId> {
    jobs.iter().map(|job| job.id).collect()
}

fn all(journal: &Journal, filter: &Filter) -> Vec<JobId> {
    ids(&journal.list(filter, None, 1000).expect("read").items)
}

fn add(journal: &Journal, tenant: &str, labels: &[(&str, &str)], ended: Option<Status>) -> JobId {
    let run = Run::new(journal, tenant, labels, Timestamp::now());
    let id = run.id;
    run.accept(&spec()).expect("taken in");
    if let Some(status) = ended {
        run.end(status, Vec::new());
    }
    id
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn each_filter_leaves_out_what_it_says() {
    let folder = Folder::new();
    let journal = folder.open();
    let waiting = add(&journal, "acme", &[("team", "ci")], None);
    let good = add(&journal, "acme", &[("team", "ci"), ("os", "linux")], Some(Status::Succeeded));
    let bad = add(&journal, "acme", &[("os", "linux")], Some(Status::TimedOut));
    let other = add(&journal, "other", &[("team", "ci")], Some(Status::Succeeded));
    let any = Filter::default();
    assert_eq!(all(&journal, &any), [other, bad, good, waiting]);
    let tenant = Filter { tenant: Some("acme".into()), ..any.clone() };
    assert_eq!(all(&journal, &tenant), [bad, good, waiting]);
    let statuses = |statuses: &[Status]| Filter { statuses: statuses.to_vec(), ..tenant.clone() };
    assert_eq!(all(&journal, &statuses(&[Status::Queued, Status::Running])), [waiting]);
    assert_eq!(all(&journal, &statuses(&[Status::TimedOut, Status::Queued])), [bad, waiting]);
    assert_eq!(all(&journal, &statuses(&[Status::Cancelled])), []);
    let labelled = |wanted: &[(&str, &str)]| Filter { labels: labels(wanted), ..any.clone() };
    assert_eq!(all(&journal, &labelled(&[("team", "ci")])), [other, good, waiting]);
    assert_eq!(all(&journal, &labelled(&[("team", "ci"), ("os", "linux")])), [good]);
    assert_eq!(all(&journal, &labelled(&[("team", "linux")])), []);
    let both = Filter { labels: labels(&[("team", "ci")]), ..tenant.clone() };
    assert_eq!(all(&journal, &both), [good, waiting]);
    let injected = Filter { tenant: Some("' OR 1 = 1 --".into()), ..labelled(&[("' OR 1", "% _")]) };
    assert_eq!(all(&journal, &injected), []);
}

#[test]
fn the_status_is_that_of_the_newest_event() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut run = Run::new(&journal, "acme", &[], Timestamp::now());
    let id = run.id;
    let found = |status| all(&journal, &Filter { statuses: vec![status], ..Filter::default() }) == [id];
    run.next(Happened::Started { attempt: 1, queue_us: 5 });
    run.accept(&spec()).expect("taken in and started at once");
    assert!(found(Status::Running) && !found(Status::Queued));
    run.append(vec![Happened::Requeued { reason: "lost".into() }]).expect("written");
    assert!(found(Status::Queued) && !found(Status::Running));
    run.starts().expect("started");
    assert!(found(Status::Running) && !found(Status::Queued));
    run.end(Status::Cancelled, Vec::new());
    assert!(found(Status::Cancelled) && !found(Status::Running));
}

#[test]
fn times_are_bounds_that_are_not_within() {
    let folder = Folder::new();
    let journal = folder.open();
    let start = Timestamp::now();
    let runs: Vec<_> = (0..4).map(|i| Run::new(&journal, "acme", &[], start + i.seconds())).collect();
    for run in &runs {
        run.accept(&spec()).expect("taken in");
    }
    let filter =
        Filter { created_after: Some(start), created_before: Some(start + 3.seconds()), ..Filter::default() };
    assert_eq!(all(&journal, &filter), [runs[2].id, runs[1].id]);
}

#[test]
fn jobs_of_one_instant_are_told_apart() {
    let folder = Folder::new();
    let journal = folder.open();
    let at = Timestamp::now();
    let runs: Vec<_> = (0..5).map(|_| Run::new(&journal, "acme", &[], at)).collect();
    for run in &runs {
        run.accept(&spec()).expect("taken in");
    }
    let first = journal.list(&Filter::default(), None, 2).expect("read");
    let rest = journal.list(&Filter::default(), first.next.as_deref(), 10).expect("read");
    let listed: Vec<_> = ids(&first.items).into_iter().chain(ids(&rest.items)).rev().collect();
    assert_eq!(listed, runs.iter().map(|run| run.id).collect::<Vec<_>>());
}

#[test]
fn a_list_is_whole_though_jobs_come_and_go_meanwhile() {
    let folder = Folder::new();
    let journal = folder.open();
    let before: Vec<_> = (0..25).map(|_| add(&journal, "acme", &[], Some(Status::Succeeded))).collect();
    let (mut cursor, mut listed) = (None, Vec::new());
    loop {
        let page = journal.list(&Filter::default(), cursor.as_deref(), 4).expect("read");
        listed.extend(ids(&page.items));
        let Some(next) = page.next else { break };
        cursor = Some(next);
        add(&journal, "acme", &[], None);
        // The one that the cursor was made of.
        journal.delete(*listed.last().expect("a page has items")).wait().expect("deleted");
    }
    assert_eq!(listed, before.iter().rev().copied().collect::<Vec<_>>());
    assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), 25);
}

#[test]
fn items_have_no_outputs() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut running = Run::accepted(&journal, "acme");
    running.starts().expect("started");
    running.prints("so far").expect("printed");
    let mut ended = Run::accepted(&journal, "acme");
    let (events, job) = ended.whole();
    journal.end(ended.id, events, &job.summary(&ended.events[0]), None).wait().expect("ended");
    let items = journal.list(&Filter::default(), None, 10).expect("read").items;
    assert_eq!((items[0].status, items[1].status), (Status::Succeeded, Status::Running));
    assert!(items.iter().all(|job| job.steps[0].stdout.text.is_empty()));
    assert_eq!(items[0].timing, job.timing);
}

#[test]
fn items_have_all_decisions_though_no_summary_repeats_the_first() {
    let folder = Folder::new();
    let journal = folder.open();
    let mut plain = Run::accepted(&journal, "acme");
    let (events, job) = plain.whole();
    let summary = job.summary(&plain.events[0]);
    assert!(summary.policy.is_empty());
    journal.end(plain.id, events, &summary, None).wait().expect("ended");
    let mut judged = Run::accepted(&journal, "acme");
    let (events, mut more) = judged.whole();
    more.policy.extend(&[decision(Hook::PreStart)]);
    journal.end(judged.id, events, &more.summary(&judged.events[0]), None).wait().expect("ended");
    let items = journal.list(&Filter::default(), None, 10).expect("read").items;
    assert_eq!(items[0].policy.len(), 2);
    assert_eq!((&items[0].policy, &items[1].policy), (&more.policy, &job.policy));
    assert_eq!(job.policy[..], [decision(Hook::Validation)]);
}

#[test]
fn only_our_own_cursors_are_taken() {
    let folder = Folder::new();
    let journal = folder.open();
    for cursor in ["", "0", "x", "-000000000000001", "000000000000000G", "00000000000000001"] {
        let refused = journal.list(&Filter::default(), Some(cursor), 10);
        assert!(matches!(refused, Err(JournalError::Cursor)), "{cursor}");
    }
}
