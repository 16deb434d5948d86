//! `run -t`: a terminal inside.

use std::fs::File;
use std::io::{Read, Write};
use std::time::Duration;

use nix::pty::{Winsize, openpty};
use support::{Case, Who, cases, eventually, stockade};

pub(crate) fn cases() -> Vec<Case> {
    cases![a_terminal_inside, keys_reach_the_program, limits_hold, none_without_t]
}

/// What `stockade run -t SCRIPT` shows on a terminal where `keys` are typed once `prompt` is on it, and its exit code.
fn session(who: Who, wall: &str, script: &str, prompt: &str, keys: &[u8]) -> (String, Option<i32>) {
    let size = Winsize { ws_row: 33, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a terminal");
    let side = || pty.slave.try_clone().expect("a descriptor");
    let mut command = who.command(stockade());
    command.args(["run", "-t", "--wall", wall, "sh", "-c", script]);
    let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().expect("run starts");
    drop(command);
    drop(pty.slave);
    let mut terminal = File::from(pty.master);
    let (mut shown, mut typed, mut block) = (Vec::new(), false, [0; 4096]);
    // The end of a terminal is an error, EIO, not an end of file.
    while let Ok(read @ 1..) = terminal.read(&mut block) {
        shown.extend_from_slice(&block[..read]);
        if !typed && String::from_utf8_lossy(&shown).contains(prompt) {
            terminal.write_all(keys).expect("the terminal takes keys");
            typed = true;
        }
    }
    let status = eventually(Duration::from_secs(10), "run ends", || child.try_wait().expect("an own child"));
    (String::from_utf8_lossy(&shown).into_owned(), status.code())
}

fn a_terminal_inside(who: Who) {
    let script = "test -t 0 && test -t 1 && test -t 2 && tty && stty size && echo done; exit 6";
    let (shown, code) = session(who, "20s", script, "never", b"");
    assert!(
        shown.contains("/dev/pts/0\r\n") && shown.contains("33 101\r\n") && shown.contains("done\r\n"),
        "{shown:?}"
    );
    assert_eq!(code, Some(6), "{shown:?}");
}

fn keys_reach_the_program(who: Who) {
    let (shown, code) =
        session(who, "20s", "echo ready; read line; echo \"got $line\"", "ready", b"a word\n");
    assert!(shown.contains("got a word\r\n"), "{shown:?}");
    assert_eq!(code, Some(0));
    // The terminal inside turns ^C into a signal for the program there.
    let (shown, code) = session(
        who,
        "20s",
        "trap 'echo stopped; exit 9' INT; echo ready; while :; do sleep 0.02; done",
        "ready",
        b"\x03",
    );
    assert!(shown.contains("stopped"), "{shown:?}");
    assert_eq!(code, Some(9));
}

fn none_without_t(who: Who) {
    assert_eq!(support::job(who, &["sh", "-c", "test -t 0 || test -t 1 || echo none"]), "none\n");
}

fn limits_hold(who: Who) {
    let (shown, code) = session(who, "5s", "echo begun; exec sleep 15", "never", b"");
    assert!(shown.contains("begun") && shown.contains("wall time limit of 5000 ms reached"), "{shown:?}");
    assert_eq!(code, Some(137));
}
