use std::time::{Duration, Instant};

use serde_json::json;
use support::{Daemon, Who, run, stockade};

use super::{submitted, url};

/// What bash would offer for a line of these words. A server that is slow to answer is not waited for, so asked again.
fn offered(who: Who, server: &str, words: &[&str]) -> Vec<String> {
    let something = |_| Some(offered_at_once(who, server, words).0).filter(|all| !all.is_empty());
    (0..10).find_map(something).unwrap_or_default()
}

fn offered_at_once(who: Who, server: &str, words: &[&str]) -> (Vec<String>, Duration) {
    let script = run(who, &["completion", "bash"]).text();
    let list: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let driven = format!(
        "{script}\ncompopt() {{ :; }}\nCOMP_WORDS=({})\nCOMP_CWORD={}\nCOMP_LINE='{}'\nCOMP_POINT=${{#COMP_LINE}}\n\
         _stockade_names '{}' '{}' ''\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        list.join(" "),
        words.len() - 1,
        words.join(" "),
        words[0],
        words.last().expect("a word"),
    );
    let mut command = who.command("bash");
    let started = Instant::now();
    let output = command.args(["-c", &driven]).env("STOCKADE_SERVER", server).output().expect("bash runs");
    assert!(output.stderr.is_empty(), "{output:?}");
    let lines = String::from_utf8(output.stdout).expect("text");
    (lines.lines().filter(|line| !line.is_empty()).map(String::from).collect(), started.elapsed())
}

pub(super) fn bash_lists_jobs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let (first, second) = (submitted(&daemon, &["true"]), submitted(&daemon, &["false"]));
    daemon.ended(&first);
    daemon.ended(&second);
    let (server, binary) = (url(&daemon), stockade().display().to_string());
    for verb in ["logs", "inspect", "cancel", "rm"] {
        let jobs = offered(who, &server, &[&binary, verb, ""]);
        assert_eq!(jobs.len(), 2, "{jobs:?}");
        assert!(jobs[0].starts_with(&format!("{second}  (failed, ")), "{jobs:?}");
    }
    assert_eq!(
        offered(who, &server, &[&binary, "logs", &first[..30]]),
        [first.as_str()],
        "it alone, to be inserted"
    );
    assert_eq!(offered(who, &server, &[&binary, "logs", "--foll"]), ["--follow"], "options stay clap's");
    assert!(offered(who, &server, &[&binary, "insp"]).contains(&"inspect".into()));
    let (nothing, took) = offered_at_once(who, "http://127.0.0.1:1", &[&binary, "logs", ""]);
    assert!(nothing.is_empty() && took < Duration::from_secs(3), "{nothing:?} after {took:?}");
}

pub(super) fn bash_lists_images_and_volumes(who: Who) {
    let daemon = Daemon::start(who, &[]);
    // Nothing but an empty folder: it is only named.
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o755);
    header.set_size(0);
    archive.append_data(&mut header, "etc/", &b""[..]).expect("memory");
    let archive = archive.into_inner().expect("memory");
    for name in ["bb:1", "bb:2", "127.0.0.1:5000/app:3"] {
        let kind = [("content-type", "application/x-tar")];
        let target = format!("/images/import?name={name}");
        let answer = daemon.client().request("POST", &target, &kind, &archive);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let answer = daemon.client().post("/volumes", &json!({"name": "pip-cache"}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let (server, binary) = (url(&daemon), stockade().display().to_string());
    for verb in ["inspect", "rm", "push", "export"] {
        let images = offered(who, &server, &[&binary, "image", verb, ""]);
        let named = |name: &str| images.iter().any(|line| line.starts_with(&format!("{name}  (")));
        assert!(images.len() == 3 && named("bb:1") && named("127.0.0.1:5000/app:3"), "{verb}: {images:?}");
    }
    // As bash would put it in after the colon.
    assert_eq!(offered(who, &server, &[&binary, "image", "rm", "127.0.0.1:"]), ["5000/app:3"]);
    assert_eq!(offered(who, &server, &[&binary, "submit", "--image", "127"]), ["127.0.0.1:5000/app:3"]);
    assert_eq!(offered(who, &server, &[&binary, "volume", "rm", "pi"]), ["pip-cache"]);
    assert!(offered(who, &server, &[&binary, "image", "insp"]).contains(&"inspect".into()), "clap's");
    let (nothing, _) = offered_at_once(who, "http://127.0.0.1:1", &[&binary, "volume", "rm", ""]);
    assert!(nothing.is_empty(), "{nothing:?}");
}
