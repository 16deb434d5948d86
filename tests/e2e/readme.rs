//! Every block of the README marked `sh` or `sh policy` is run; a command that fails fails the test. What cannot be run is
//! marked `sh no-test`, and says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{Case, Needs, Temp, Who, cases, figure, stockade};

pub(crate) fn cases() -> Vec<Case> {
    let usual = cases![blocks_run, what_is_not_run_says_why];
    // It needs cargo, which the other users of a machine cannot be expected to reach.
    let author = cases![the_policy_page]
        .into_iter()
        .map(|case| case.only(&[Who::Root]).needs(Needs::Program("cargo")));
    usual.into_iter().chain(author).map(|case| case.needs(Needs::Host(no_readme)).alone()).collect()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

fn no_readme() -> Option<&'static str> {
    (!path().exists()).then_some("there is no README.md yet")
}

/// The contents of the blocks with that mark, in order.
fn blocks(text: &str, wanted: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(mark) = line.trim_start().strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
        if mark.trim() == wanted {
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

/// A mark that is none of these would be passed over in silence.
fn what_is_not_run_says_why(_: Who) {
    let text = fs::read_to_string(path()).expect("the README is text");
    let marks = text.lines().filter_map(|line| line.trim_start().strip_prefix("```sh"));
    for mark in marks.filter(|mark| !matches!(mark.trim(), "" | "policy")) {
        let reason = mark.strip_prefix(" no-test (").and_then(|rest| rest.strip_suffix(')'));
        assert!(reason.is_some_and(|reason| !reason.is_empty()), "```sh{mark}");
    }
    assert!(!text.contains("```bash") && !text.contains("```shell"), "commands have the mark `sh`");
}

/// Alone, because the README names a port. All in one shell, in a folder of its own, with `stockade` on the path: what one block starts the next may use.
fn blocks_run(who: Who) {
    let temp = Temp::new();
    let home = temp.path().join("home");
    fs::create_dir(&home).expect("a folder of our own");
    std::os::unix::fs::chown(&home, Some(who.uid()), None).expect("an own folder can be given away");
    run(who, "sh", &temp, &home, |command| {
        // As root it would else be the machine's own.
        command.env("HOME", &home).env("STOCKADE_STATE_DIR", home.join("state"));
    });
}

/// From nothing to a policy that refuses a live job, as whoever started the suite: with their own cargo.
fn the_policy_page(who: Who) {
    let temp = Temp::new();
    let took = run(who, "sh policy", &temp, temp.path(), |_| ());
    assert!(took < Duration::from_mins(5), "{took:?}");
}

fn run(who: Who, mark: &str, temp: &Temp, folder: &Path, set_up: impl FnOnce(&mut Command)) -> Duration {
    let text = fs::read_to_string(path()).expect("the README is text");
    let blocks = blocks(&text, mark);
    assert!(!blocks.is_empty(), "the README shows no commands");
    // `jobs -p` is empty where dash substitutes it; there is one server at a time.
    let mut script = String::from("set -e\nstop() { kill \"$!\" 2>/dev/null || :; wait; }\ntrap stop EXIT\n");
    let numbered = blocks.iter().enumerate();
    script.extend(numbered.map(|(number, block)| format!("echo '== block {number}' >&2\n{block}")));
    let script = temp.file("readme.sh", script);
    let binary = stockade().parent().expect("the binary lies in a folder");
    let search = std::env::var("PATH").unwrap_or_default();
    let mut command = who.command("sh");
    command.arg("-c").arg(format!("cd {} && exec sh {}", folder.display(), script.display()));
    command.env("PATH", format!("{}:{search}", binary.display())).stdin(Stdio::null());
    set_up(&mut command);
    let start = Instant::now();
    let output = command.output().expect("sh runs");
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}");
    let took = start.elapsed();
    let seconds = took.as_secs_f32();
    figure(format!("{}: {} blocks `{mark}` of the README ran in {seconds:.1} s", who.name(), blocks.len()));
    took
}
