use std::time::Duration;

use support::{Daemon, Deaf, State, Temp, Who, run, stockade, token};

use super::{ask, ask_fed, done, submitted, url};

pub(super) fn mistakes_are_named_by_their_option(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let several = ask(&daemon, &["submit", "--pids", "0", "-w", "src", "--label", "a=b", "true"]);
    assert_eq!(several.code, 125, "{several:?}");
    assert!(several.stdout.is_empty() && several.stderr.starts_with("error: Invalid job: "), "{several:?}");
    for line in ["\n  --pids-limit: ", "\n  --workdir: "] {
        assert!(several.stderr.contains(line), "{several:?}");
    }
    let json =
        ask_fed(who, &url(&daemon), &["submit", "-f", "-"], br#"{"command": ["true"], "user": "root"}"#);
    assert!(json.code == 125 && json.stderr.starts_with("error: Invalid job: /user: "), "{json:?}");
    let typed = ask(&daemon, &["submit", "--nonsense"]);
    assert!(typed.code == 125 && typed.stderr.contains("--nonsense"), "{typed:?}");
    assert_eq!(ask(&daemon, &["ps", "--nonsense"]).code, 2);
}

pub(super) fn a_server_that_is_away(who: Who) {
    let deaf = Deaf::new();
    let server = format!("http://{}", deaf.address());
    let id = "01990000-0000-7000-8000-000000000000";
    for (words, code) in
        [(&["ps"][..], 2), (&["submit", "--wait", "true"], 125), (&["logs", id], 2), (&["rm", id], 2)]
    {
        let ran = ask_fed(who, &server, words, b"");
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.stderr.starts_with(&format!("error: cannot connect to {server}: ")), "{ran:?}");
        assert!(ran.stderr.contains("\nhint: is `stockade serve` running there?"), "{ran:?}");
        assert!(ran.took < Duration::from_secs(10), "{ran:?}");
    }
    for server in ["127.0.0.1:7070", "ftp://localhost", "http://localhost/jobs", "http://secret@localhost"] {
        assert_eq!(ask_fed(who, server, &["ps"], b"").code, 2, "{server}");
    }
}

pub(super) fn ids_that_are_none(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for (id, word) in [
        ("01990000-0000-7000-8000-000000000000", "no such job"),
        ("0199", "names no job"),
        ("../version", "names no job"),
        ("deadbeefdeadbeef", "no job's id"),
    ] {
        for verb in ["inspect", "logs", "cancel", "rm", "pause", "resume"] {
            let ran = ask(&daemon, &[verb, id]);
            assert!(
                ran.code == 2 && ran.stderr.contains(word) && ran.stdout.is_empty(),
                "{verb} {id}: {ran:?}"
            );
        }
        let followed = ask(&daemon, &["logs", "-f", id]);
        assert!(followed.code == 2 && followed.took < Duration::from_secs(10), "{id}: {followed:?}");
    }
}

pub(super) fn tokens(who: Who) {
    let state = State::new(who);
    let (may, reads) = (token(who, &state, "ci", "submit,read"), token(who, &state, "ci", "read"));
    let daemon = Daemon::resumed(who, &state, "");
    let nobody = ask(&daemon, &["ps"]);
    assert!(
        nobody.code == 2 && nobody.stderr.contains("\nhint: name a token by `--token-file`"),
        "{nobody:?}"
    );
    let temp = Temp::new();
    let file = |name: &str, token: &str| temp.file(name, format!("{token}\n")).display().to_string();
    let with = |file: &str, words: &[&str]| {
        ask(&daemon, &[&words[..1], &["--token-file", file], &words[1..]].concat())
    };
    let (may, reads, wrong) = (file("may", &may), file("reads", &reads), file("wrong", "stk_wrong"));
    assert_eq!(with(&may, &["submit", "--wait", "true"]).code, 0);
    assert_eq!(with(&reads, &["ps", "-q"]).text().lines().count(), 1);
    let denied = with(&reads, &["submit", "true"]);
    assert!(denied.code == 125 && denied.stderr.contains("submit"), "{denied:?}");
    for bad in [&wrong, "/no/such/file", &file("empty", ""), &file("two", "a b")] {
        let ran = with(bad, &["ps"]);
        assert!(ran.code == 2 && ran.stderr.starts_with("error: "), "{bad}: {ran:?}");
        assert!(!ran.stderr.contains("stk_wrong"), "a token is not shown: {ran:?}");
    }
    let mut command = who.command(stockade());
    command.args(["ps", "-q", "--server", &url(&daemon)]);
    let secret = std::fs::read_to_string(&may).expect("an own file");
    let listed = command.env("STOCKADE_TOKEN", secret).output().expect("the binary starts");
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "{listed:?}");
}

pub(super) fn a_full_queue_is_asked_again(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 1\nmax_queued = 1\n");
    let words = ["--wall", "60s", "--", "sleep", "50"];
    let (runs, waits) = (submitted(&daemon, &words), submitted(&daemon, &words));
    let full = ask(&daemon, &["submit", "true"]);
    assert!(
        full.code == 125 && full.stderr.contains("\nhint: the server asks to come again in "),
        "{full:?}"
    );
    let tried = ask(&daemon, &["submit", "--wait", "true"]);
    assert_eq!(tried.code, 125, "{tried:?}");
    assert_eq!(tried.stderr.matches("; trying again in ").count(), 3, "{tried:?}");
    done(&daemon, &["cancel", &runs, &waits]);
    assert_eq!(ask(&daemon, &["submit", "--wait", "true"]).code, 0, "there is room again");
}

pub(super) fn the_same_key_makes_one_job(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let key = ["--idempotency-key", "nightly-7", "--", "echo", "once"];
    let first = submitted(&daemon, &key);
    assert_eq!(submitted(&daemon, &key), first);
    assert_eq!(done(&daemon, &[&["submit", "--wait"], &key[..]].concat()), "once\n");
    assert_eq!(done(&daemon, &["ps", "-q"]), format!("{first}\n"));
    let other = ask(&daemon, &["submit", "--idempotency-key", "nightly-7", "--", "echo", "twice"]);
    assert!(other.code == 125 && other.stderr.starts_with("error: "), "{other:?}");
    assert_eq!(run(who, &["submit", "--idempotency-key"]).code, 125);
}
