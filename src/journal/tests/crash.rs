//! `kill -9` at any instant: what was acknowledged is there, and the file is whole.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::*;

const FOLDER: &str = "JOURNAL_TEST_FOLDER";
const KILLS: u32 = 30;

/// What a child says that it was told: `ended ID EVENTS`, `has ID EVENTS`, `blob DIGEST`.
#[test]
#[ignore = "the child of the test below: it writes until it is killed"]
fn writes_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).expect("started by the test below");
    let mut options = Options::new(folder);
    options.retention.keep_free_bytes = 0;
    let journal = Journal::open(options).expect("a journal").0;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    write_one(&journal);
                }
            });
        }
    });
}

fn write_one(journal: &Journal) {
    let say = |what: String| {
        let mut out = std::io::stdout().lock();
        out.write_all(format!("\n{what}\n").as_bytes()).and_then(|()| out.flush()).expect("a pipe");
    };
    let mut run = Run::new(journal, "acme", &[("team", "ci")], Timestamp::now());
    let id = run.id;
    run.accept(&spec()).expect("taken in");
    say(format!("has {id} 1"));
    for piece in 0..3 {
        run.append(vec![Happened::Paused, Happened::Resumed]).expect("written");
        say(format!("has {id} {}", 3 + 2 * piece));
    }
    let mut upload = journal.blobs().begin("acme").expect("begun");
    upload.write(id.to_string().as_bytes()).expect("written");
    say(format!("blob {}", upload.finish(None).expect("finished").digest));
    let (events, job) = run.whole();
    journal.end(id, events, &job, None).wait().expect("ended");
    say(format!("ended {id} {}", run.events.len()));
}

pub(super) fn child(folder: &Folder) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "tests::crash::writes_until_it_is_killed"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (told, telling) = channel();
    std::thread::spawn(move || {
        // A line that the kill cut short was not said.
        out.lines()
            .map_while(Result::ok)
            .filter(|line| !line.is_empty())
            .for_each(|line| drop(told.send(line)));
    });
    (child, telling)
}

/// Everything that the child was told, until it was killed.
fn killed(folder: &Folder) -> Vec<String> {
    let (mut child, telling) = child(folder);
    let mut told = Vec::new();
    loop {
        let line = telling.recv_timeout(Duration::from_mins(1)).expect("the child writes");
        told.push(line);
        if told.last().is_some_and(|line| line.starts_with("has ")) {
            break;
        }
    }
    let instant = u64::from(Timestamp::now().subsec_nanosecond().unsigned_abs()) % 60_000;
    std::thread::sleep(Duration::from_micros(instant));
    child.kill().expect("killed");
    child.wait().expect("dead");
    told.extend(telling.iter());
    told
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = Folder::new();
    let (mut events, mut ended, mut blobs) = (BTreeMap::new(), Vec::new(), Vec::new());
    for _ in 0..KILLS {
        for line in killed(&folder) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                [what @ ("has" | "ended"), id, count] => {
                    let (Some(id), Ok(count)) = (JobId::parse(id), count.parse::<u64>()) else { continue };
                    events.insert(id, count);
                    ended.extend((what == "ended").then_some(id));
                }
                ["blob", digest] if digest.len() == 71 => blobs.push(digest.to_owned()),
                _ => (),
            }
        }
        let (journal, unfinished) = Journal::open(folder.options()).expect("a whole journal");
        for (id, count) in &events {
            let found = journal.events(*id, 0, 1000).expect("read").expect("there");
            assert!(found.len() as u64 >= *count, "{} events of {count}", found.len());
            assert!(found.iter().zip(1..).all(|(event, seq)| event.seq == seq), "a gap");
        }
        for id in &ended {
            assert_eq!(journal.job(*id).expect("read").expect("there").status, Status::Succeeded);
            assert!(unfinished.iter().all(|job| job.id != *id), "it has ended");
        }
        for digest in &blobs {
            assert_eq!(journal.blobs().read(digest, 100).expect("there").len(), 36);
            assert!(journal.blobs().visible_to("acme", digest).expect("read"));
        }
        assert!(unfinished.iter().all(|job| job.spec.is_some() && !job.events.is_empty()));
    }
    whole(&folder);
    let mut out = std::io::stderr();
    let _ =
        writeln!(out, "{KILLS} kills: {} jobs, {} ended, {} blobs", events.len(), ended.len(), blobs.len());
    assert!(ended.len() as u64 >= u64::from(KILLS), "the child hardly wrote");
}
