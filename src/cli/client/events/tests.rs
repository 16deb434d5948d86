use std::fmt::Write;

use model::{Chunk, Ended, Stream, Timing};

use super::super::block_on;
use super::super::testing::{Scripted, answer};
use super::*;
use crate::output::Failure;

fn told() -> Vec<Event> {
    let output = |offset: u64, text: &str| {
        Happened::Output(Chunk::new("run", Stream::Stdout, offset, text.as_bytes().to_vec()))
    };
    let ended = Ended {
        status: model::Status::Succeeded,
        cause: None,
        skipped: Vec::new(),
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        committed: None,
        policy: Vec::new(),
        warnings: Vec::new(),
        timing: Timing::default(),
    };
    let what =
        [output(0, "one\n"), output(4, "zwei ü\n"), Happened::Paused, Happened::Ended(Box::new(ended))];
    let event = |(seq, what)| Event { seq, at: jiff::Timestamp::UNIX_EPOCH, what };
    (1..).zip(what).map(event).collect()
}

/// The stream after the event of that number.
fn stream(after: u64) -> String {
    told().iter().filter(|event| event.seq > after).fold(String::from(": hello\n\n"), |mut text, event| {
        let data = serde_json::to_string(event).expect("JSON");
        write!(text, "id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.what.name()).expect("a string");
        text
    })
}

fn cut(after: u64, at: usize) -> String {
    let whole = stream(after);
    let at = (0..=at.min(whole.len())).rev().find(|&at| whole.is_char_boundary(at)).unwrap_or(0);
    answer("200 OK", "content-type: text/event-stream\r\n", whole.len() + 1, &whole[..at])
}

fn read(server: &Scripted) -> Result<Vec<Event>, Failure> {
    let client = server.client();
    block_on(async {
        let mut events =
            Events::of(&client, JobId::parse("01990000-0000-7000-8000-000000000000").expect("an id"));
        let mut all = Vec::new();
        while let Some(event) = events.next().await? {
            all.push(event);
        }
        Ok(all)
    })
}

fn last_event_ids(server: Scripted) -> Vec<Option<String>> {
    let id = |head: &Vec<String>| {
        head.iter().find_map(|line| line.strip_prefix("last-event-id: ").map(String::from))
    };
    server.requests().iter().map(id).collect()
}

#[test]
fn nothing_is_lost_or_doubled_wherever_it_breaks() {
    let whole = stream(0);
    // Ends of events, and places in the middle of everything.
    for at in (1..whole.len()).step_by(23) {
        let complete = whole[..whole.floor_char_boundary(at)].matches("\n\n").count().saturating_sub(1);
        let server = Scripted::answering(vec![cut(0, at), stream_whole(complete as u64)]);
        assert_eq!(read(&server).expect("events"), told(), "broken at {at}");
        let resumed = (complete > 0).then(|| complete.to_string());
        assert_eq!(last_event_ids(server), [None, resumed], "broken at {at}");
    }
}

fn stream_whole(after: u64) -> String {
    cut(after, usize::MAX)
}

#[test]
fn a_server_may_begin_further_back() {
    let at = stream(0).find("id: 3").expect("a third event");
    let server = Scripted::answering(vec![cut(0, at), stream_whole(0)]);
    assert_eq!(read(&server).expect("events"), told());
}

#[test]
fn a_server_that_starts_again_is_waited_for_and_one_that_says_no_is_not() {
    let busy = answer("503 Service Unavailable", "retry-after: 0\r\n", 0, "");
    let server = Scripted::answering(vec![busy, stream_whole(0)]);
    assert_eq!(read(&server).expect("events"), told());
    let server = Scripted::answering(vec![answer("404 Not Found", "", 23, r#"{"title":"No such job"}"#)]);
    assert_eq!(read(&server), Err(Failure::new("No such job")));
}

#[test]
fn an_event_of_a_later_version_is_passed_over() {
    let later = "id: 1\nevent: moved\ndata: {\"type\":\"moved\"}\n\n";
    let known = "id: 1\nevent: paused\ndata: {}\n\n";
    let body = |first: &str| first.to_owned() + &stream(0);
    let server = Scripted::answering(vec![answer("200 OK", "", body(later).len(), &body(later))]);
    assert_eq!(read(&server).expect("events"), told());
    let server = Scripted::answering(vec![answer("200 OK", "", body(known).len(), &body(known))]);
    read(&server).expect_err("an event without what belongs to it");
}
