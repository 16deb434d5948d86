use std::fs;
use std::process::Command;
use std::time::Duration;

use super::{CompileError, Compiled, compile_by};

const SHORT: Duration = Duration::from_millis(50);
/// For one that ends by itself: no test waits so long.
const LONG: Duration = Duration::from_mins(5);

/// A shell script in place of the compiler.
fn by(script: &str, wasm: &[u8], most: Duration) -> Result<Compiled, CompileError> {
    let mut command = Command::new("sh");
    compile_by(command.args(["-c", script]), wasm, most)
}

/// More than a pipe holds.
fn large() -> Vec<u8> {
    b"x".repeat(1 << 20)
}

/// Children of this process with this name. Who has ended and was not waited for is still one.
fn children(name: &str) -> usize {
    let wanted = [format!("Name:\t{name}"), format!("PPid:\t{}", std::process::id())];
    let processes = fs::read_dir("/proc").expect("it is mounted").flatten();
    let all = processes.filter_map(|process| fs::read_to_string(process.path().join("status")).ok());
    all.filter(|status| wanted.iter().all(|wanted| status.lines().any(|line| line == wanted))).count()
}

#[test]
fn one_that_stands_still_is_killed_and_waited_for() {
    let mut own = Command::new("sleep").arg("1000").spawn().expect("sleep runs");
    let asleep = compile_by(Command::new("sleep").arg("1000"), &large(), SHORT);
    // Its pipes are closed, and it has not ended.
    let silent = by("exec sleep 1000 </dev/null >/dev/null 2>&1", &large(), SHORT);
    let stopped = by("kill -s STOP $$", &large(), SHORT);
    let left = children("sleep");
    own.kill().expect("an own child");
    own.wait().expect("an own child");
    for answer in [asleep, silent, stopped] {
        assert!(matches!(answer, Err(CompileError::Late)), "{answer:?}");
    }
    assert_eq!(left, 1, "the test's own alone");
}

#[test]
fn what_it_writes_is_the_code() {
    let code = by("cat >/dev/null; printf code", &large(), LONG).expect("it ends well");
    assert_eq!(code.bytes(), b"code");
}

#[test]
fn no_stream_waits_for_another() {
    let code = by("echo words >&2; cat", &large(), LONG).expect("it ends well");
    assert_eq!(code.bytes(), large());
}

#[test]
fn its_end_says_why() {
    let error = |script: &str| by(script, &large(), LONG).expect_err(script).to_string();
    assert_eq!(error("echo no such thing >&2; exit 1"), "no such thing");
    assert!(error("kill -s KILL $$").contains("SIGKILL"));
    assert!(error("ulimit -c 0; kill -s XCPU $$").contains("CPU time"));
}
