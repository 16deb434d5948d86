use std::time::Duration;

use serde_json::{Value, json};
use support::{Daemon, Who, eventually};

use super::{ask, done, ended, id, submitted};

fn ids(daemon: &Daemon, words: &[&str]) -> Vec<String> {
    done(daemon, &[&["ps", "-q"], words].concat()).lines().map(String::from).collect()
}

pub(super) fn ps_filters_and_pages(who: Who) {
    let daemon = Daemon::start(who, &[]);
    assert_eq!(done(&daemon, &["ps"]), "ID  STATUS  AGE  STEPS  LABELS\n");
    assert_eq!(done(&daemon, &["ps", "--json"]).trim(), "[]");
    let mut made: Vec<String> = (0..5)
        .map(|number| {
            let word = if number % 2 == 0 { "true" } else { "false" };
            id(&ended(&daemon, &["--label", "k=v", "-l", &format!("n={number}"), "--", word])).to_owned()
        })
        .collect();
    made.reverse();
    assert_eq!(ids(&daemon, &[]), made, "the newest first");
    assert_eq!(ids(&daemon, &["-n", "2"]), made[..2]);
    assert_eq!(ids(&daemon, &["--status", "failed"]), [made[1].clone(), made[3].clone()]);
    assert_eq!(ids(&daemon, &["--status", "failed,succeeded", "--label", "k=v"]), made);
    assert_eq!(ids(&daemon, &["--label", "k=v", "--label", "n=1"]), [made[3].clone()]);
    assert_eq!(ids(&daemon, &["--label", "n=none"]), [""; 0]);
    let table = done(&daemon, &["ps"]);
    let line: Vec<_> = table.lines().nth(1).expect("a job").split_whitespace().collect();
    assert_eq!([line[0], line[1], line[3], line[4]], [&made[0], "succeeded", "run", "k=v,n=4"], "{table}");
    let all: Value = serde_json::from_str(&done(&daemon, &["ps", "--json", "-n", "3"])).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(3), "{all}");
    assert!(
        done(&daemon, &["ps", "--all-tenants"]).starts_with("ID"),
        "anybody may, where there are no tokens"
    );
    let wrong = ask(&daemon, &["ps", "--status", "done"]);
    assert!(wrong.code == 2 && wrong.stderr.contains("done"), "{wrong:?}");
}

pub(super) fn inspect_tells_what_matters(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = ended(&daemon, &["--wall", "100ms", "-l", "team=ci", "--", "sleep", "9"]);
    let text = done(&daemon, &["inspect", id(&job)]);
    for word in [id(&job), "timed_out", "wall_time_ms", "team=ci", "seccomp default", "host id", "MEMORY"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains('\u{1b}') && text.lines().all(|line| line.trim_end() == line), "{text}");
}

pub(super) fn logs_are_the_jobs_bytes(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = r"printf 'one\n\377'; printf 'two' >&2";
    let job = ended(&daemon, &["--", "sh", "-c", script]);
    for follow in [&[][..], &["-f"]] {
        let both = ask(&daemon, &[&["logs"], follow, &[id(&job)]].concat());
        assert_eq!((both.code, &*both.stdout, &*both.stderr), (0, &b"one\n\xff"[..], "two"), "{both:?}");
        let error = ask(&daemon, &[&["logs", "--stderr", "--step", "run"], follow, &[id(&job)]].concat());
        assert_eq!((error.code, &*error.stdout, &*error.stderr), (0, &b"two"[..], ""), "{error:?}");
        let none = ask(&daemon, &[&["logs", "--step", "build"], follow, &[id(&job)]].concat());
        assert!(none.code == 2 && none.stdout.is_empty(), "{none:?}");
        assert!(none.stderr.contains("`build`") && none.stderr.contains("steps so far: run"), "{none:?}");
    }
    let job = ended(&daemon, &["--output-limit", "1k", "--", "sh", "-c", "yes | head -c 5000"]);
    for follow in [&[][..], &["-f"]] {
        let cut = ask(&daemon, &[&["logs"], follow, &[id(&job)]].concat());
        assert!(cut.code == 0 && cut.stdout.len() < 2000, "{cut:?}");
        assert!(cut.stderr.starts_with("stockade: step run: "), "what is missing is told: {cut:?}");
    }
}

pub(super) fn a_part_of_an_id_is_enough(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (mut first, mut second) = (submitted(&daemon, &["true"]), submitted(&daemon, &["true"]));
    // When they were made, in steps of a minute (RFC 9562, section 5.7).
    while first[..8] != second[..8] {
        (first, second) = (second, submitted(&daemon, &["true"]));
    }
    for part in [&first[24..], &first[28..], &first.to_uppercase()] {
        let shown: Value = serde_json::from_str(&done(&daemon, &["inspect", "--json", part])).expect("JSON");
        assert_eq!(id(&shown), first, "{part}");
    }
    let both = ask(&daemon, &["inspect", &first[..8]]);
    assert_eq!(both.code, 2, "{both:?}");
    assert!(both.stderr.contains(&first) && both.stderr.contains(&second), "{both:?}");
}

pub(super) fn cancel_and_rm(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let words = ["--wall", "60s", "--", "sleep", "50"];
    let (first, second) = (submitted(&daemon, &words), submitted(&daemon, &words));
    let early = ask(&daemon, &["rm", &first]);
    assert!(early.code == 2 && early.stdout.is_empty() && early.stderr.starts_with("error: "), "{early:?}");
    let unknown = "01990000-0000-7000-8000-000000000000";
    let ran = ask(&daemon, &["cancel", &first, unknown, &second]);
    assert_eq!(
        (ran.code, ran.text()),
        (2, format!("{first}\n{second}\n")),
        "one that fails keeps no other: {ran:?}"
    );
    assert_eq!(daemon.ended(&first)["status"], "cancelled");
    assert_eq!(daemon.ended(&second)["status"], "cancelled");
    assert_eq!(done(&daemon, &["cancel", &first]), format!("{first}\n"), "asking again changes nothing");
    assert_eq!(done(&daemon, &["rm", &first, &second]), format!("{first}\n{second}\n"));
    assert_eq!(done(&daemon, &["ps", "-q"]), "");
    assert_eq!(ask(&daemon, &["logs", &first]).code, 2);
}

pub(super) fn pause_and_resume(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let id = submitted(&daemon, &["--wall", "60s", "--", "sh", "-c", "while :; do sleep 0.01; done"]);
    eventually(Duration::from_secs(20), "it runs", || (daemon.job(&id)["status"] == "running").then_some(()));
    let paused = ask(&daemon, &["pause", &id]);
    if paused.code == 0 {
        eventually(Duration::from_secs(20), "it is paused", || {
            (daemon.job(&id)["paused"] == true).then_some(())
        });
        assert!(done(&daemon, &["ps"]).contains("running (paused)"));
        assert_eq!(done(&daemon, &["resume", &id]), format!("{id}\n"));
        let goes_on = || (daemon.job(&id)["paused"] != json!(true)).then_some(());
        eventually(Duration::from_secs(20), "it goes on", goes_on);
    } else {
        // No freezer for this user here: the server says so.
        assert!(paused.code == 2 && paused.stderr.contains("freeze"), "{paused:?}");
    }
    done(&daemon, &["cancel", &id]);
    daemon.ended(&id);
    assert_eq!(ask(&daemon, &["pause", &id]).code, 2, "nothing runs that could be paused");
}
