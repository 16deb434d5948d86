use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{STATE_DIR, State, Who, stockade};

/// What became of one run of the binary.
#[derive(Debug)]
pub struct Ran {
    /// 128 + N where signal N ended the binary itself.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
    pub took: Duration,
}

impl Ran {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

/// `stockade ARGS` with an empty stdin.
pub fn run(who: Who, args: &[&str]) -> Ran {
    run_fed(who, args, b"")
}

/// `stockade ARGS` with these bytes on stdin.
pub fn run_fed(who: Who, args: &[&str], stdin: &[u8]) -> Ran {
    let mut command = who.command(stockade());
    command.args(args);
    // One that is refused must not have touched the state of the host's own daemon.
    let state = (args.first() == Some(&"serve")).then(|| State::new(who));
    if let Some(state) = &state {
        command.env(STATE_DIR, state.path());
    }
    finish(command, stdin)
}

/// `stockade run --json ARGS`: the finished job, whatever became of it.
pub fn run_json(who: Who, args: &[&str]) -> Value {
    let all = [&["run", "--json"], args].concat();
    run(who, &all).json()
}

/// `stockade run ARGS` for a command that must succeed, its standard output as text.
pub fn job(who: Who, args: &[&str]) -> String {
    let ran = run(who, &[&["run"], args].concat());
    assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
    ran.text()
}

fn finish(mut command: Command, stdin: &[u8]) -> Ran {
    let started = Instant::now();
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().expect("the binary starts");
    let mut to = child.stdin.take().expect("stdin is a pipe");
    let output = std::thread::scope(|scope| {
        // A program that reads nothing closes the pipe: no fault of ours.
        scope.spawn(move || to.write_all(stdin).ok());
        child.wait_with_output().expect("the binary ends")
    });
    let code = output.status.code().unwrap_or_else(|| {
        use std::os::unix::process::ExitStatusExt;
        128 + output.status.signal().unwrap_or(0)
    });
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ran { code, stdout: output.stdout, stderr, took: started.elapsed() }
}
