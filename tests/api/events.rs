//! What a job prints and what happens to it, as listeners hear it: cut off anywhere, slow, late, and more than one.

mod book;
mod pieces;
mod printer;

use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use support::{Case, Client, Daemon, Listening, Random, Who, cases, figure, rss_kib};

use crate::problem;
use book::Book;
use printer::{binary, printing, text};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        cut_a_hundred_times,
        more_than_is_kept,
        bytes_that_are_no_text,
        pages_are_the_same,
        heard_while_it_runs,
        after_a_restart,
        two_listeners,
        slow_listeners,
        pieces::of_the_output,
        what_is_refused
    ]
}

const BYTES: usize = 3 << 20;
/// More than the job prints.
const ALL: u64 = 8 << 20;
const SEED: &str = "STOCKADE_EVENTS_SEED";

fn random(name: &str) -> Random {
    let seed = Random::seed_of(SEED);
    figure(format!("{name}: {SEED}={seed}"));
    Random::new(seed)
}

fn cut_a_hundred_times(who: Who) {
    const CUTS: usize = 100;
    let daemon = Daemon::start(who, &[]);
    let mut random = random("cut_a_hundred_times");
    let data = text(&mut random, BYTES);
    let id = daemon.submit(&printing(data.as_bytes(), ALL));
    let (mut book, mut read, mut empty) = (Book::default(), 0, 0);
    for _ in 0..CUTS {
        let mut listening = Listening::to(daemon.address, &id, book.last());
        assert_eq!(listening.status, 200);
        let events = listening.read_up_to(random.below(50_000));
        empty += usize::from(events.is_empty());
        book.take(&events);
        read += listening.read;
    }
    let so_far = book.bytes("stdout").len();
    let mut rest = Listening::to(daemon.address, &id, book.last());
    if rest.status == 200 {
        book.take(&rest.read_all());
    }
    let job = daemon.ended(&id);
    assert_eq!(job["status"], "succeeded", "{job}");
    book.is_over();
    assert_eq!(book.bytes("stdout"), data.as_bytes(), "what was heard in {CUTS} pieces");
    assert_eq!(job["steps"][0]["stdout"]["text"], data, "what is answered");
    let raw = daemon.client().get(&format!("/jobs/{id}/steps/run/stdout"));
    assert_eq!((raw.status, raw.body == data.as_bytes()), (200, true), "what can be downloaded");
    figure(format!(
        "{}: {CUTS} cuts, {empty} before the first whole event; {so_far} of {BYTES} bytes by then, {read} read; {} events, \
         none lost or doubled",
        who.name(),
        book.events.len()
    ));
    // A client that comes back after the end is told not to (WHATWG HTML section 9.2.3).
    assert_eq!(Listening::to(daemon.address, &id, book.last()).status, 204);
}

/// Head and tail are kept, and heard, each where it belongs.
fn more_than_is_kept(who: Who) {
    const KEPT: u64 = 1 << 20;
    let daemon = Daemon::start(who, &[]);
    let mut random = random("more_than_is_kept");
    let data = text(&mut random, BYTES);
    let id = daemon.submit(&printing(data.as_bytes(), KEPT));
    let mut book = Book::default();
    for _ in 0..20 {
        book.take(&Listening::to(daemon.address, &id, book.last()).read_up_to(random.below(60_000)));
    }
    let mut rest = Listening::to(daemon.address, &id, book.last());
    book.take(&rest.read_all());
    book.is_over();
    let (head, tail) = book.parts("stdout");
    let kept = head.len() + tail.len();
    assert!(kept as u64 <= KEPT && kept as u64 + 8 > KEPT, "{kept} bytes");
    assert!(data.as_bytes().starts_with(&head) && data.as_bytes().ends_with(&tail));
    let job = daemon.ended(&id);
    let output = &job["steps"][0]["stdout"];
    assert_eq!((&output["bytes"], &output["truncated"]), (&json!(data.len()), &json!(true)));
    let answered = output["text"].as_str().expect("text");
    // But for a character that was cut in two.
    let (first, last) = (head.len() - 3, tail.len() - 3);
    assert!(answered.as_bytes().starts_with(&head[..first]));
    assert!(answered.as_bytes().ends_with(&tail[tail.len() - last..]));
}

fn bytes_that_are_no_text(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut random = random("bytes_that_are_no_text");
    let data = binary(&mut random, 300_000);
    let id = daemon.submit(&printing(&data, ALL));
    let mut book = Book::default();
    for _ in 0..10 {
        book.take(&Listening::to(daemon.address, &id, book.last()).read_up_to(random.below(30_000)));
    }
    book.take(&Listening::to(daemon.address, &id, book.last()).read_all());
    book.is_over();
    assert!(book.bytes("stdout") == data, "{} bytes of {}", book.bytes("stdout").len(), data.len());
}

fn pages_are_the_same(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut random = random("pages_are_the_same");
    let data = text(&mut random, BYTES / 6);
    let id = daemon.submit(&printing(data.as_bytes(), ALL));
    let heard = thread::scope(|scope| {
        let heard = scope.spawn(|| Listening::to(daemon.address, &id, None).read_all());
        // While it runs, and then once more when it has ended.
        let live = pages(&mut daemon.client(), &id, &mut random);
        let later = pages(&mut daemon.client(), &id, &mut random);
        let heard: Vec<Value> =
            heard.join().expect("a listener").into_iter().map(|event| event.data).collect();
        assert_eq!(later, heard);
        assert_eq!(live, heard);
        heard
    });
    let mut book = Book::default();
    for event in heard {
        book.add(event);
    }
    assert_eq!(book.bytes("stdout"), data.as_bytes());
}

/// Page after page, until there are no more.
fn pages(client: &mut Client, id: &str, random: &mut Random) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), Some(0));
    while let Some(last) = after {
        let limit = 1 + random.below(40);
        let page = client.get(&format!("/jobs/{id}/events?after={last}&limit={limit}"));
        assert_eq!(page.status, 200, "{}", page.text());
        let page = page.json();
        let items = page["items"].as_array().expect("a page");
        assert!(items.len() <= limit, "{} of {limit}", items.len());
        all.extend(items.iter().cloned());
        after = page["next"].as_u64();
    }
    all
}

fn heard_while_it_runs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = daemon.submit(&json!({"command": ["sh", "-c", "echo first; sleep 6; echo second"]}));
    let start = Instant::now();
    let mut listening = Listening::to(daemon.address, &id, None);
    let early = listening.read_until("output");
    let after = start.elapsed();
    let last = early.last().expect("an event");
    assert_eq!((last.name.as_str(), &last.data["text"]), ("output", &json!("first\n")), "{early:?}");
    let job = daemon.job(&id);
    assert_eq!(job["status"], "running", "{job}");
    assert_eq!(job["steps"][0]["stdout"]["text"], "first\n", "{job}");
    let raw = daemon.client().get(&format!("/jobs/{id}/steps/run/stdout"));
    assert_eq!((raw.status, raw.text().as_str()), (200, "first\n"));
    let mut all = early;
    all.extend(listening.read_all());
    let mut book = Book::default();
    book.take(&all);
    book.is_over();
    assert_eq!(book.bytes("stdout"), b"first\nsecond\n");
    figure(format!(
        "{}: the first line was heard after {} ms, of a job of 6 s",
        who.name(),
        after.as_millis()
    ));
    let names: Vec<&str> = all.iter().map(|event| event.name.as_str()).collect();
    let order = ["accepted", "started", "ready", "step_started", "output", "output", "step_ended", "ended"];
    assert_eq!(names, order, "{all:?}");
}

fn after_a_restart(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut random = random("after_a_restart");
    let data = text(&mut random, BYTES / 3);
    let id = daemon.submit(&printing(data.as_bytes(), ALL));
    let mut book = Book::default();
    book.take(&Listening::to(daemon.address, &id, None).read_up_to(300_000));
    let before = daemon.ended(&id);
    let state = daemon.state().clone();
    daemon.kill();
    let daemon = Daemon::resumed(who, &state, "");
    assert_eq!(daemon.job(&id), before, "it is as it was");
    book.take(&Listening::to(daemon.address, &id, book.last()).read_all());
    book.is_over();
    assert_eq!(book.bytes("stdout"), data.as_bytes());
    assert_eq!(Listening::to(daemon.address, &id, book.last()).status, 204);
    let whole = Listening::to(daemon.address, &id, None).read_all();
    assert_eq!(whole.len(), book.events.len(), "and all of it can be heard again");
}

fn two_listeners(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut random = random("two_listeners");
    let data = text(&mut random, BYTES / 3);
    let id = daemon.submit(&printing(data.as_bytes(), ALL));
    let listen = || Listening::to(daemon.address, &id, None).read_all();
    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(listen);
        let second = scope.spawn(listen);
        (first.join().expect("a listener"), second.join().expect("a listener"))
    });
    assert_eq!(first, second);
    let mut book = Book::default();
    book.take(&first);
    book.is_over();
    assert_eq!(book.bytes("stdout"), data.as_bytes());
}

/// Listeners that do not read hold up nobody, and nothing is kept for each of them.
fn slow_listeners(who: Who) {
    const LISTENERS: u64 = 40;
    let daemon = Daemon::start(who, &[]);
    let mut random = random("slow_listeners");
    let data = text(&mut random, BYTES);
    let request = printing(data.as_bytes(), ALL);
    let took = |job: &Value| job["steps"][0]["usage"]["wall_time_us"].as_u64().expect("a time");
    // The first fills what later ones use again.
    daemon.run(&request);
    let alone = took(&daemon.run(&request));
    let before = rss_kib(daemon.pid());
    let id = daemon.submit(&request);
    let slow: Vec<_> = (0..LISTENERS).map(|_| Listening::narrow(daemon.address, &id)).collect();
    let watched = took(&daemon.ended(&id));
    let grown = rss_kib(daemon.pid()).saturating_sub(before);
    figure(format!(
        "{}: {} KiB printed in {} ms alone, in {} ms before {LISTENERS} listeners that do not read; the daemon grew by \
         {grown} KiB",
        who.name(),
        data.len() >> 10,
        alone / 1000,
        watched / 1000
    ));
    // They never read: what waits for one of them waits for ever, and a busy machine is not told from a listener.
    assert!(watched < 3 * alone + 20_000_000, "listeners hold up the job: {alone} -> {watched} us");
    let each = u64::try_from(data.len() >> 10).expect("a length");
    // Up to seven copies were seen to stay with the allocator, where none is kept.
    assert!(grown < LISTENERS / 2 * each, "the daemon keeps a copy for each listener: {grown} KiB");
    drop(slow);
    let mut late = Listening::to(daemon.address, &id, None);
    let mut book = Book::default();
    book.take(&late.read_all());
    assert_eq!(book.bytes("stdout"), data.as_bytes());
}

fn what_is_refused(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = daemon.submit(&json!({"command": ["true"]}));
    daemon.ended(&id);
    let mut client = daemon.client();
    for query in ["after=x", "after=-1", "limit=0", "limit=1001", "limit=x", "before=3"] {
        problem(&client.get(&format!("/jobs/{id}/events?{query}")), 400, "invalid_query");
    }
    let stream = ("accept", "text/event-stream");
    for last in ["x", "-1", "1.5", "99999999999999999999999"] {
        let headers = [stream, ("last-event-id", last)];
        problem(&client.request("GET", &format!("/jobs/{id}/events"), &headers, b""), 400, "invalid_query");
    }
    let nobody = "01a1fbe5-6205-7141-b220-2903b61ded08";
    problem(&client.get(&format!("/jobs/{nobody}/events")), 404, "job_not_found");
    problem(&client.request("GET", &format!("/jobs/{nobody}/events"), &[stream], b""), 404, "job_not_found");
    // Beyond the end there is nothing, and nothing will come.
    assert_eq!(Listening::to(daemon.address, &id, Some(1 << 40)).status, 204);
    let page = client.get(&format!("/jobs/{id}/events?after={}", 1_u64 << 40)).json();
    assert_eq!(page, json!({"items": [], "next": null}));
}
