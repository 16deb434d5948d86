//! From a component to machine code, in a process of its own: a component made to exhaust or to break the compiler takes
//! down that process and nothing else.

use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::{Gid, Pid, Uid, geteuid, setgid, setgroups, setuid};

use crate::engine;

/// `argv[0]` of the compiler's process.
pub const COMPILER_ROLE: &str = "@policy-compiler";
/// The largest interpreter tried needs 16 s and 700 MiB.
const MOST_CPU_SECONDS: u64 = 120;
/// One that stands still uses no CPU time, and no other policies can be loaded meanwhile. Far above the other limit: a
/// machine with much else to do must not make a good component fail.
const MOST_TIME: Duration = Duration::from_mins(5);
const MOST_DATA: u64 = 4 << 30;
const MOST_CODE: u64 = 512 << 20;
/// Nobody's: the same that the daemon ends as when it was started as root.
const UNPRIVILEGED: u32 = 1_999_999_999;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error("the compiler cannot be started: {0}")]
    Start(#[source] io::Error),
    /// What the compiler says of the component.
    #[error("{0}")]
    Refused(String),
    #[error("compiling it needs more than {MOST_CPU_SECONDS} s of CPU time")]
    Time,
    #[error("the compiler was not done within {} s", MOST_TIME.as_secs())]
    Late,
    #[error("the compiler was ended by {signal}; it may use {} MiB of memory", MOST_DATA >> 20)]
    Ended { signal: String },
    #[error("its machine code is larger than {} MiB", MOST_CODE >> 20)]
    TooLarge,
}

/// Machine code of our own making.
#[derive(Debug)]
pub(crate) struct Compiled(Vec<u8>);

impl Compiled {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// From the cache, which has checked who made it.
    pub(crate) fn authentic(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

/// Compiles in a child. Never on the path of a job.
pub(crate) fn compile(wasm: &[u8]) -> Result<Compiled, CompileError> {
    let mut command = Command::new("/proc/self/exe");
    command.arg0(COMPILER_ROLE).env_clear().current_dir("/");
    compile_by(&mut command, wasm, MOST_TIME)
}

fn compile_by(command: &mut Command, wasm: &[u8], most: Duration) -> Result<Compiled, CompileError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(CompileError::Start)?;
    let answer = attend(&mut child, wasm, most);
    let status = child.wait().map_err(CompileError::Start)?;
    let (code, complaint) = answer.ok_or(CompileError::Late)?;
    // It wrote on into a pipe that nobody reads, and failed by that.
    if code.len() as u64 > MOST_CODE {
        return Err(CompileError::TooLarge);
    }
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(0), _) => Ok(Compiled(code)),
        (Some(_), _) => Err(CompileError::Refused(String::from_utf8_lossy(&complaint).trim().to_owned())),
        (_, Some(Ok(Signal::SIGXCPU))) => Err(CompileError::Time),
        (_, signal) => {
            let signal = signal.and_then(Result::ok).map_or("a signal", Signal::as_str).into();
            Err(CompileError::Ended { signal })
        }
    }
}

/// Until it has ended: its machine code and its complaint, or `None` where it had to be killed.
fn attend(child: &mut Child, wasm: &[u8], most: Duration) -> Option<(Vec<u8>, Vec<u8>)> {
    let pid = Pid::from_raw(child.id().cast_signed());
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (end, ended) = mpsc::channel();
    thread::scope(|scope| {
        // A compiler that ends early closes the pipe; its exit says why.
        scope.spawn(move || stdin.map(|mut to| to.write_all(wasm)));
        let code = scope.spawn(move || read(stdout, MOST_CODE + 1));
        let complaint = scope.spawn(move || read(stderr, 64 << 10));
        scope.spawn(move || {
            wait_for_end(pid);
            // Nobody listens to one that is late.
            end.send(()).ok();
        });
        let in_time = ended.recv_timeout(most).is_ok();
        if !in_time {
            // All the others wait for nothing but its end.
            child.kill().ok();
        }
        let answer = (code.join().unwrap_or_default(), complaint.join().unwrap_or_default());
        in_time.then_some(answer)
    })
}

/// It stays a zombie, so that its pid is nobody else's when it is killed.
fn wait_for_end(pid: Pid) {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    while waitid(Id::Pid(pid), flags) == Err(Errno::EINTR) {}
}

fn read(from: Option<impl Read>, most: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error counts; the exit status decides.
    from.map(|from| from.take(most).read_to_end(&mut bytes));
    bytes
}

/// The compiler's process: a component on stdin, machine code on stdout.
pub fn compiler_main() -> ExitCode {
    match confine()
        .map_err(|error| error.to_string())
        .and_then(|()| translate().map_err(|e| format!("{e:#}")))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            // Read by the parent; there is nobody else to tell.
            writeln!(io::stderr(), "{complaint}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Before the first byte of the component is read.
fn confine() -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_CPU, MOST_CPU_SECONDS, MOST_CPU_SECONDS + 1)?;
    setrlimit(Resource::RLIMIT_DATA, MOST_DATA, MOST_DATA)?;
    setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
    setrlimit(Resource::RLIMIT_NOFILE, 16, 16)?;
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    if geteuid().is_root() {
        setgroups(&[])?;
        setgid(Gid::from_raw(UNPRIVILEGED))?;
        setuid(Uid::from_raw(UNPRIVILEGED))?;
    }
    nix::sys::prctl::set_no_new_privs()
}

fn translate() -> wasmtime::Result<()> {
    let mut wasm = Vec::new();
    io::stdin().lock().read_to_end(&mut wasm)?;
    let code = engine::compiler()?.precompile_component(&wasm)?;
    io::stdout().lock().write_all(&code)?;
    Ok(())
}

#[cfg(test)]
mod tests;
