use std::time::{Duration, Instant};

use support::{Daemon, Who, run, stockade};

use super::{submitted, url};

/// What bash would offer for a line whose last word is `current`.
fn offered(who: Who, server: &str, words: &[&str]) -> (Vec<String>, Duration) {
    let script = run(who, &["completion", "bash"]).text();
    let list: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
    let driven = format!(
        "{script}\ncompopt() {{ :; }}\nCOMP_WORDS=({})\nCOMP_CWORD={}\nCOMP_LINE='{}'\nCOMP_POINT=${{#COMP_LINE}}\n\
         _stockade_jobs '{}' '{}' ''\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
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
        let (jobs, _) = offered(who, &server, &[&binary, verb, ""]);
        assert_eq!(jobs.len(), 2, "{jobs:?}");
        assert!(jobs[0].starts_with(&format!("{second}  (failed, ")), "{jobs:?}");
    }
    assert_eq!(
        offered(who, &server, &[&binary, "logs", &first[..30]]).0,
        [first.as_str()],
        "it alone, to be inserted"
    );
    assert_eq!(offered(who, &server, &[&binary, "logs", "--foll"]).0, ["--follow"], "options stay clap's");
    assert!(offered(who, &server, &[&binary, "insp"]).0.contains(&"inspect".into()));
    let (nothing, took) = offered(who, "http://127.0.0.1:1", &[&binary, "logs", ""]);
    assert!(nothing.is_empty() && took < Duration::from_secs(3), "{nothing:?} after {took:?}");
}
