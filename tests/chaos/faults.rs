//! What can go wrong around a daemon, one at a time, and each put right again.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use jiff::Timestamp;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use support::{Daemon, Random, descriptors, eventually, running, status_of};

use crate::disk::{Disk, LITTLE};
use crate::judge::Span;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    LauncherKilled,
    InitKilled,
    ProgramFrozen,
    DaemonStopped,
    DiskFull,
    NoDescriptors,
    NoProcesses,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::LauncherKilled,
        Self::InitKilled,
        Self::ProgramFrozen,
        Self::DaemonStopped,
        Self::DiskFull,
        Self::NoDescriptors,
        Self::NoProcesses,
    ];
}

/// When each fault was.
#[derive(Debug, Default)]
pub(crate) struct Times {
    pub(crate) kills: Vec<Span>,
    pub(crate) shortages: Vec<Span>,
}

pub(crate) struct Faults<'a> {
    pub(crate) daemon: &'a Daemon,
    /// Where the state lies, for those who may mount one.
    pub(crate) disk: Option<&'a Disk>,
    pub(crate) random: Random,
    pub(crate) times: Times,
    pub(crate) count: u32,
}

impl Faults<'_> {
    pub(crate) fn inject(&mut self, fault: Fault) {
        self.count += 1;
        let begun = Timestamp::now();
        match fault {
            Fault::LauncherKilled => {
                let launcher = self.daemon.launcher();
                signal(launcher, Signal::SIGKILL);
                eventually(Duration::from_secs(10), "there is another", || {
                    (self.daemon.launcher() != launcher).then_some(())
                });
                self.times.kills.push((begun, Timestamp::now()));
            }
            Fault::InitKilled => self.init_killed(),
            Fault::ProgramFrozen => self.program_frozen(),
            Fault::DaemonStopped => {
                self.daemon.signal(Signal::SIGSTOP);
                self.a_while();
                self.daemon.signal(Signal::SIGCONT);
            }
            Fault::DiskFull => self.disk_full(),
            Fault::NoDescriptors => {
                // Two for whoever comes first.
                let few = descriptors(self.daemon.pid()).len() + 2;
                self.limited(self.daemon.pid(), "--nofile", few);
            }
            Fault::NoProcesses => self.limited(self.daemon.launcher(), "--nproc", 1),
        }
    }

    fn a_while(&mut self) {
        sleep(Duration::from_millis(300 + self.random.below(1500) as u64));
    }

    /// A job that no client knows of, and the pid of its program.
    fn victim(&mut self, wall_time_ms: u64) -> (String, u32) {
        let cookie = format!("9{}{}", self.daemon.pid(), self.count);
        let request = json!({"command": ["sleep", cookie], "limits": {"wall_time_ms": wall_time_ms}});
        // The disk may have been full a moment ago.
        let id = eventually(Duration::from_secs(10), "it is taken", || {
            let answer = self.daemon.client().post("/jobs", &request);
            (answer.status == 202).then(|| answer.json()["id"].as_str().expect("an id").to_owned())
        });
        (id, running(&cookie)[0])
    }

    fn init_killed(&mut self) {
        let (id, program) = self.victim(60_000);
        let init = status_of(program, "PPid").and_then(|pid| pid.parse().ok()).expect("it has a parent");
        signal(init, Signal::SIGKILL);
        let job = self.daemon.ended(&id);
        assert_eq!(job["status"], "internal_error", "our fault, never the job's: {job}");
    }

    fn program_frozen(&mut self) {
        let (id, program) = self.victim(5000);
        // Its time may be over by now.
        let _ = kill(Pid::from_raw(program.cast_signed()), Signal::SIGSTOP);
        let job = self.daemon.ended(&id);
        assert_eq!(job["status"], "timed_out", "time goes on for who stands still: {job}");
    }

    fn disk_full(&mut self) {
        let Some(disk) = self.disk else { return };
        let begun = Timestamp::now();
        disk.fill(if self.random.once_in(2) { LITTLE } else { 0 });
        self.a_while();
        disk.empty();
        self.times.shortages.push((begun, Timestamp::now()));
    }

    /// By prlimit(1), as whoever the process is: that takes no capability (prlimit(2)).
    fn limited(&mut self, pid: u32, which: &str, most: usize) {
        let begun = Timestamp::now();
        let set = |limit: String| {
            let mut command = Command::new("prlimit");
            command.uid(own(pid, "Uid")).gid(own(pid, "Gid"));
            let status = command.args(["--pid", &pid.to_string(), &format!("{which}={limit}:")]).status();
            assert!(status.expect("prlimit (Debian: util-linux)").success(), "{which} of {pid}");
        };
        let before = soft(pid, which);
        set(most.to_string());
        self.a_while();
        set(before);
        self.times.shortages.push((begun, Timestamp::now()));
    }
}

fn own(pid: u32, which: &str) -> u32 {
    let ids = status_of(pid, which).expect("a process that lives");
    ids.split_whitespace().next().and_then(|id| id.parse().ok()).expect("an id")
}

fn soft(pid: u32, which: &str) -> String {
    let name = if which == "--nofile" { "Max open files" } else { "Max processes" };
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("a process that lives");
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
    line.split_whitespace().next().expect("a soft limit").to_owned()
}

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.cast_signed()), signal).expect("whoever tests may signal it");
}
