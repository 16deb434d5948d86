//! Every block of the README marked `sh` is run, except those marked `sh no-test`; a command that fails fails the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use support::{Case, Needs, Temp, Who, cases, figure, stockade};

pub(crate) fn cases() -> Vec<Case> {
    cases![blocks_run].into_iter().map(|case| case.needs(Needs::Host(no_readme)).alone()).collect()
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")
}

fn no_readme() -> Option<&'static str> {
    (!path().exists()).then_some("there is no README.md yet")
}

/// The contents of the blocks that are to be run, in order.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(mark) = line.trim_start().strip_prefix("```") else { continue };
        let block: Vec<_> = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")).collect();
        if mark.trim() == "sh" {
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

/// Alone, because the README names a port. All in one shell, in a folder of its own, with `stockade` on the path: what one block starts the next may use.
fn blocks_run(who: Who) {
    let text = fs::read_to_string(path()).expect("the README is text");
    let blocks = blocks(&text);
    assert!(!blocks.is_empty(), "the README shows no commands");
    let temp = Temp::new();
    let mut script =
        String::from("set -e\nstop() { kill $(jobs -p) 2>/dev/null || :; wait; }\ntrap stop EXIT\n");
    let numbered = blocks.iter().enumerate();
    script.extend(numbered.map(|(number, block)| format!("echo '== block {number}' >&2\n{block}")));
    let script = temp.file("readme.sh", script);
    let home = temp.path().join("home");
    fs::create_dir(&home).expect("a folder of our own");
    std::os::unix::fs::chown(&home, Some(who.uid()), None).expect("an own folder can be given away");
    let folder = stockade().parent().expect("the binary lies in a folder");
    let search = std::env::var("PATH").unwrap_or_default();
    let mut command = who.command("sh");
    command.arg("-c").arg(format!("cd {} && exec sh {}", home.display(), script.display()));
    command.env("PATH", format!("{}:{search}", folder.display())).env("HOME", &home).stdin(Stdio::null());
    let output = command.output().expect("sh runs");
    let shown =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}");
    figure(format!("{}: {} blocks of the README ran", who.name(), blocks.len()));
}
