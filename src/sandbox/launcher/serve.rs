//! The launcher's loop: a job comes in, a sandbox gets it; a sandbox ends, it is cleared away; and when there is nothing
//! to do, sandboxes are made for jobs to come. One thread, no waiting for anything but the next of these.

mod accept;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

use super::Machine;
use super::ahead::Ahead;
use super::ids::HostIds;
use super::keeper::{self, Held};
use super::processors::Processors;
use super::reserve::Reserve;
use super::sandbox::{self, Sandbox, Slot};
use super::slots::Slots;
use super::tool::Toolbox;
use crate::cgroup::{Groups, JobGroup};
use crate::plan::Foundation;
use crate::step::{Step, StepError};
use crate::sys;

/// Made ahead: enough that a job which follows another finds one, few enough to cost next to nothing while idle.
const SPARES: usize = 2;
/// Before the kernel is asked again for what it had no memory for.
const SHORTAGE: Duration = Duration::from_millis(10);

/// The numbers of one launcher's slots; [`HostIds::slots`] are fewer.
const NUMBERS: u32 = 1 << 16;

/// Until the daemon closes its end; then nothing of any job may remain. `life` counts the launchers of one daemon: a case
/// that was sent to one that died must not find its workspace in a sandbox of the next, so their slots have other numbers.
pub(super) fn until_closed(
    daemon: &OwnedFd,
    (life, held): (u16, &Held),
    reserve: Reserve,
    ids: HostIds,
    groups: Option<Groups>,
    machine: Machine,
    tools: Toolbox,
) {
    let first = u32::from(life) * NUMBERS;
    // Of one id for all there is no other.
    let users = held.iter().filter(|user| ids.range.is_some() && **user <= ids.slots());
    let slots = Slots::new(first..first + ids.slots(), users.map(|user| first + user - 1));
    let (processors, machine) = (Processors::new(&machine.processors), Rc::new(machine));
    let (spares, sandboxes, left) = (Vec::new(), Vec::new(), Vec::new());
    let (ahead, working) = (Ahead::new(), Vec::new());
    let mut launcher = Live {
        life,
        slots,
        ids,
        groups,
        machine,
        processors,
        ahead,
        spares,
        no_spares: false,
        sandboxes,
        left,
        made: 0,
        tools,
        working,
        reserve,
    };
    while launcher.turn(daemon.as_fd()) {}
    launcher.end();
}

struct Live {
    life: u16,
    ids: HostIds,
    slots: Slots,
    groups: Option<Groups>,
    machine: Rc<Machine>,
    processors: Processors,
    ahead: Ahead,
    /// Without a job yet.
    spares: Vec<Sandbox>,
    /// The last try to make one failed.
    no_spares: bool,
    sandboxes: Vec<Sandbox>,
    /// Groups of ended jobs that could not be removed at once; tried again whenever something happens.
    left: Vec<JobGroup>,
    made: u64,
    tools: Toolbox,
    /// Pidfds of tools at work.
    working: Vec<OwnedFd>,
    reserve: Reserve,
}

impl Live {
    /// Waits for something to do and does it; `false` when the daemon has gone.
    fn turn(&mut self, daemon: BorrowedFd<'_>) -> bool {
        let idle = self.no_spares || self.lacking().is_none();
        let mut waiting: Vec<PollFd<'_>> = vec![PollFd::new(daemon, PollFlags::POLLIN)];
        let all = self.sandboxes.iter().chain(&self.spares);
        waiting.extend(all.map(|sandbox| PollFd::new(sandbox.pidfd(), PollFlags::POLLIN)));
        let jobs = self.sandboxes.iter().enumerate().filter_map(|(i, sandbox)| Some((i, sandbox.daemon()?)));
        let (jobs, sockets): (Vec<usize>, Vec<BorrowedFd<'_>>) = jobs.unzip();
        let entering = self.sandboxes.iter().enumerate().filter_map(|(i, all)| Some((i, all.entering()?)));
        let (entering, inits): (Vec<usize>, Vec<BorrowedFd<'_>>) = entering.unzip();
        waiting.extend(self.working.iter().map(|tool| PollFd::new(tool.as_fd(), PollFlags::POLLIN)));
        waiting.extend(inits.into_iter().map(|init| PollFd::new(init, PollFlags::POLLIN)));
        // No events asked for: only a hang-up is told.
        waiting.extend(sockets.into_iter().map(|socket| PollFd::new(socket, PollFlags::empty())));
        match poll(&mut waiting, if idle { PollTimeout::NONE } else { PollTimeout::ZERO }) {
            Ok(0) => {
                self.make_spare();
                return true;
            }
            Ok(_) => self.no_spares = false,
            Err(Errno::EINTR) => return true,
            // Fewer descriptors are allowed than are looked at (poll(2)), and that does not pass.
            Err(Errno::EINVAL) => return false,
            // The kernel has no memory for now (poll(2)): the jobs that run need none of this one's turns meanwhile.
            Err(_) => {
                sleep(SHORTAGE);
                return true;
            }
        }
        let ready: Vec<bool> = waiting.iter().map(|fd| fd.any() == Some(true)).collect();
        let (running, rest) = ready[1..].split_at(self.sandboxes.len());
        let (spare, rest) = rest.split_at(self.spares.len());
        let (done, rest) = rest.split_at(self.working.len());
        let (entered, hung_up) = rest.split_at(entering.len());
        for (job, _) in entering.into_iter().zip(entered).filter(|(_, entered)| **entered) {
            self.sandboxes[job].hand_over(self.groups.as_ref());
        }
        for (job, _) in jobs.into_iter().zip(hung_up).filter(|(_, hung_up)| **hung_up) {
            self.sandboxes[job].abandon();
        }
        // Before a new one is added at the end of either list, so that the places still match.
        let ended = take_marked(&mut self.sandboxes, running);
        let ended_spares = take_marked(&mut self.spares, spare);
        take_marked(&mut self.working, done).iter().for_each(reap);
        // A new job before the clearing away of old ones: somebody waits for it.
        let open = !ready[0] || self.accept(daemon);
        for sandbox in ended.into_iter().chain(ended_spares) {
            if sandbox.lends() {
                let number = sandbox.slot.number;
                self.retire_spares(|spare| spare.like == Some(number));
            }
            self.processors.give_back(&sandbox.share);
            let (slot, left) = sandbox.clear();
            self.slots.give_back(slot.number);
            self.left.extend(left);
        }
        self.left = std::mem::take(&mut self.left).into_iter().filter_map(sandbox::not_removed).collect();
        open
    }

    /// Should it fail, the next job learns why; it is tried again once something has changed.
    fn make_spare(&mut self) {
        let made = self.lacking().map(|(foundation, like)| self.make(foundation, like));
        match made {
            Some(Ok(spare)) => self.spares.push(spare),
            Some(Err(_)) => self.no_spares = true,
            None => (),
        }
    }

    /// What there should be one more of: any job may come, and of a job whose cases are run the next case will.
    fn lacking(&self) -> Option<(Foundation, Option<u32>)> {
        let few = |foundation: &Foundation, like| {
            let fits = |spare: &&Sandbox| spare.like == like && spare.foundation == *foundation;
            self.spares.iter().filter(fits).count() < SPARES
        };
        if let Some(foundation) = self.ahead.wanted().find(|foundation| few(foundation, None)) {
            return Some((foundation.clone(), None));
        }
        // Where ids are shared anyway, a case is like any job.
        self.ids.range?;
        let bases = self.sandboxes.iter().filter_map(|base| Some((base.case()?, Some(base.slot.number))));
        bases.into_iter().find(|(case, like)| few(case, *like)).map(|(case, like)| (case.clone(), like))
    }

    /// Nobody comes any more for these.
    fn retire_spares(&mut self, mut which: impl FnMut(&Sandbox) -> bool) {
        let retired = self.spares.extract_if(.., |spare| which(spare));
        self.sandboxes.extend(retired.map(|mut spare| {
            spare.retire();
            spare
        }));
    }

    /// Files belong to the host id of the job that made them, so one that is to write them too is made with the same.
    fn make(&mut self, foundation: Foundation, like: Option<u32>) -> Result<Sandbox, StepError> {
        let none_free = StepError { step: Step::Clone, index: 8, errno: libc::EAGAIN };
        let number = match like {
            Some(number) => {
                self.slots.share(number);
                number
            }
            None => self.slots.take().ok_or(none_free)?,
        };
        self.made += 1;
        let slot = Slot { number, ids: self.ids.of_job(number % NUMBERS, foundation.ids) };
        let name = format!("{}{}", keeper::prefix(self.life), self.made);
        let of = (&self.machine, self.processors.next());
        let made = Sandbox::make(foundation, slot, like, &name, self.groups.as_ref(), of);
        if made.is_err() {
            self.slots.give_back(number);
        }
        made
    }

    fn end(self) {
        let all: Vec<_> = self.sandboxes.into_iter().chain(self.spares).collect();
        all.iter().for_each(Sandbox::kill);
        for tool in &self.working {
            let _ = sys::pidfd_kill(tool.as_fd());
            reap(tool);
        }
        for sandbox in all {
            sandbox.clear();
        }
        if let Some(groups) = self.groups {
            // What is left is swept at the next start.
            let _ = groups.remove_all();
        }
    }
}

fn reap(tool: &OwnedFd) {
    let _ = waitid(Id::PIDFd(tool.as_fd()), WaitPidFlag::WEXITED);
}

fn take_marked<T>(all: &mut Vec<T>, marks: &[bool]) -> Vec<T> {
    let marked = (0..marks.len()).rev().filter(|i| marks[*i]);
    marked.map(|i| all.remove(i)).collect()
}
