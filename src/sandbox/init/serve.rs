//! Init's life after the sandbox stands: it runs what it is told to run, reaps, and reports.
//!
//! It ends when the daemon closes the socket, and with it, as PID 1, everything in the sandbox (pid_namespaces(7)).

use std::os::fd::{AsFd, OwnedFd};

use model::GroupUsage;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

use super::program::{self, Running, Stdio};
use super::{Built, Job, artifacts, files};
use crate::cgroup::LeafStats;
use crate::protocol::{DiskUsage, Order, Report, StepExit};
use crate::step::{Step, StepError};
use crate::{sys, wire};

/// kill(2): every process that the caller may signal; in PID 1 of a namespace, all of it but itself.
const EVERYONE: Pid = Pid::from_raw(-1);

pub(crate) fn until_closed(job: Job, built: Built) {
    let Some(children) = watch_children() else { return };
    let mut life = Life { job, built, running: None };
    loop {
        let mut ready = [
            PollFd::new(children.as_fd(), PollFlags::POLLIN),
            PollFd::new(life.job.daemon.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) => (),
            Err(Errno::EINTR) => continue,
            Err(_) => return,
        }
        let [child, order] = ready.map(|fd| fd.any() == Some(true));
        if child {
            while let Ok(Some(_)) = children.read_signal() {}
            life.reap();
        }
        if order && !life.obey() {
            return;
        }
    }
}

/// Blocked and read as a descriptor: a `SIGCHLD` that a job forges only causes one look at wait(2) for nothing.
fn watch_children() -> Option<SignalFd> {
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGCHLD);
    mask.thread_swap_mask(SigmaskHow::SIG_SETMASK).ok()?;
    SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).ok()
}

struct Life {
    job: Job,
    built: Built,
    running: Option<(u16, Running)>,
}

impl Life {
    /// `false` when there is nothing more to live for.
    fn obey(&mut self) -> bool {
        let Ok(Some((order, mut fds))) = wire::receive::<Order>(self.job.daemon.as_fd()) else {
            return false;
        };
        match order {
            Order::Files(entries) => {
                let contents = fds.pop();
                if let Err(error) = files::write(&self.built.workspace, &entries, contents) {
                    self.job.tell(&Report::Failed(error));
                    return false;
                }
            }
            Order::Run { step, terminal } => self.run(step, fds, terminal),
            Order::Signal(number) => {
                if let (Some((_, running)), Ok(signal)) = (&self.running, Signal::try_from(number)) {
                    let _ = kill(Pid::from_raw(running.pid), signal);
                }
            }
            Order::Kill => drop(kill(EVERYONE, Signal::SIGKILL)),
            Order::Changes => self.hand_out_changes(),
            Order::Collect { patterns, most_files } => {
                artifacts::collect(&self.job, &self.built.workspace, &patterns, most_files);
            }
        }
        true
    }

    /// To be read by somebody who trusts none of it; the job's programs have ended, or are frozen.
    fn hand_out_changes(&self) {
        let fds = self.built.changes.iter().chain([&self.built.workspace]).map(AsFd::as_fd);
        let fds: Vec<_> = fds.collect();
        let _ = wire::send(self.job.daemon.as_fd(), &Report::Changes, &fds);
    }

    fn run(&mut self, step: u16, fds: Vec<OwnedFd>, terminal: (u16, u16)) {
        let started = stdio(fds, terminal).and_then(|(stdio, to_daemon)| {
            let running = program::start(&self.job, &mut self.built, usize::from(step), &stdio)?;
            Ok((running, to_daemon))
        });
        match started {
            Ok((running, to_daemon)) => {
                self.running = Some((step, running));
                let fds: Vec<_> = to_daemon.iter().map(AsFd::as_fd).collect();
                let _ = wire::send(self.job.daemon.as_fd(), &Report::Started { step }, &fds);
            }
            Err(error) => self.job.tell(&Report::Failed(error)),
        }
    }

    fn reap(&mut self) {
        while let Some(child) = sys::reap(false) {
            if self.running.as_ref().is_some_and(|(_, running)| running.pid == child.pid)
                && let Some((step, running)) = self.running.take()
            {
                self.end_step(step, &running, child.status);
            }
        }
    }

    /// The step is its main process: what that leaves behind (a daemon, a grandchild holding stdout) ends with it.
    fn end_step(&mut self, step: u16, running: &Running, wait_status: i32) {
        let wall_us = u64::try_from(running.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let _ = kill(EVERYONE, Signal::SIGKILL);
        while sys::reap(true).is_some() {}
        let exit = StepExit {
            step,
            error: failure(running),
            wait_status,
            wall_us,
            // After the last process is gone, so nothing is missing.
            usage: self.job.steps[usize::from(step)]
                .stats
                .as_ref()
                .map_or_else(GroupUsage::default, LeafStats::read),
            disk: disk_usage(&self.built.workspace),
        };
        self.job.tell(&Report::Exited(exit));
    }
}

/// Three pipes from the daemon, or, when it sent none, a terminal of which the daemon gets the other side.
fn stdio(fds: Vec<OwnedFd>, (rows, columns): (u16, u16)) -> Result<(Stdio, Option<OwnedFd>), StepError> {
    let failed = |error: std::io::Error| StepError::new(Step::Stdio, 20, &error);
    if let Ok(pipes) = <[OwnedFd; 3]>::try_from(fds) {
        Ok((Stdio::Pipes(pipes), None))
    } else {
        let (outside, inside) = sys::new_terminal().map_err(failed)?;
        // Before the program starts: it may ask at once.
        sys::set_terminal_size(outside.as_fd(), rows, columns).map_err(failed)?;
        Ok((Stdio::Terminal(inside), Some(outside)))
    }
}

fn failure(running: &Running) -> Option<StepError> {
    let mut bytes = [0; 32];
    let length = nix::unistd::read(&running.failure, &mut bytes).ok()?;
    postcard::from_bytes(&bytes[..length]).ok()
}

fn disk_usage(workspace: &OwnedFd) -> DiskUsage {
    nix::sys::statfs::fstatfs(workspace).map_or_else(
        |_| DiskUsage::default(),
        |fs| {
            let used = fs.blocks() - fs.blocks_free();
            let block = u64::try_from(fs.block_size()).unwrap_or(0);
            DiskUsage { bytes: used * block, full: fs.blocks_free() == 0 || fs.files_free() == 0 }
        },
    )
}
