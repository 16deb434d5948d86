//! PID 1 of a sandbox. It builds the sandbox around itself, then runs the job's programs one after another.
//!
//! It was cloned from the single-threaded launcher, so what follows is ordinary Rust. It holds no secret: its memory is
//! a copy of the launcher's, its environment is empty, it is not dumpable (no process of the job may read it), and it
//! drops every capability before the first program starts.

mod affinity;
mod artifacts;
mod files;
mod harden;
pub(crate) mod mounts;
mod program;
mod root;
mod serve;
pub(crate) mod time;
mod view;
mod volumes;

pub(crate) use program::close_all_but;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;
use std::time::Instant;

use nix::sched::CloneFlags;
use nix::unistd::{Gid, Uid, setresgid, setresuid};

use crate::cgroup::{Entry, InitEntry, LeafStats};
use crate::launcher::Machine;
use crate::plan::{Foundation, Ids, LaunchPlan, Workspace};
use crate::protocol::{Assignment, Report};
use crate::step::{At, Step, StepError};
use crate::{sys, wire};

/// What the launcher leaves to the process that it cloned.
#[derive(Debug)]
pub(crate) struct Inheritance {
    pub(crate) foundation: Foundation,
    pub(crate) machine: Rc<Machine>,
    /// The processor that a job of one would be confined to; `None` where there is only one.
    pub(crate) processor: Option<u16>,
    /// The name of the job's group in each hierarchy, where it has one.
    pub(crate) group_name: Option<String>,
    /// Says when the id maps are written, then brings the job. Its end is the launcher's end.
    pub(crate) launcher: OwnedFd,
    pub(crate) cgroup: InitEntry,
    pub(crate) steps: Vec<StepGroup>,
}

/// One step's cgroup: how to enter it and what it counted.
#[derive(Debug, Default)]
pub(crate) struct StepGroup {
    pub(crate) entry: Entry,
    /// `None` where there is no cgroup to count in.
    pub(crate) stats: Option<LeafStats>,
}

/// The job that this sandbox is for.
pub(crate) struct Job {
    plan: LaunchPlan,
    daemon: OwnedFd,
    steps: Vec<StepGroup>,
    machine: Rc<Machine>,
    /// Those of the machine that are the job's.
    processors: Vec<u16>,
}

impl Job {
    fn tell(&self, report: &Report) {
        // The daemon may have gone; init then ends because its socket has.
        let _ = wire::send(self.daemon.as_fd(), report, &[]);
    }
}

/// Never returns into the launcher's code, whatever happens: a panic here ends this process only.
pub(crate) fn main(inheritance: Inheritance) -> ! {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(inheritance)));
    sys::exit_now(match result {
        Ok(Some(())) => 0,
        Ok(None) => 1,
        Err(_) => 2,
    });
}

/// Everything that does not depend on the job comes first, so that it can be done before there is one.
fn live(init: Inheritance) -> Option<()> {
    // For whoever looks at a process list; a job cannot see it.
    let _ = nix::sys::prctl::set_name(c"stockade-init");
    let mut steps = Steps(Vec::with_capacity(32));
    let stands = stand(&init, &mut steps);
    if init.cgroup.leaf.is_some() {
        // Only from here on can the groups of the steps be limited.
        wire::send(init.launcher.as_fd(), &stands, &[]).ok()?;
    }
    let prepared = stands.and_then(|()| prepare(&init, &mut steps));
    // Nobody enters a second time.
    drop(init.cgroup);
    let (Assignment { plan, processors }, mut fds) = wire::receive(init.launcher.as_fd()).ok()??;
    let mut fds = fds.drain(..);
    let daemon = fds.next()?;
    let lent = if plan.workspace == Workspace::Over { fds.next() } else { None };
    let given = Given { lent, volumes: fds.collect() };
    let job = Job { plan, daemon, steps: init.steps, machine: init.machine, processors };
    let finished = prepared.and_then(|base| {
        if init.processor.is_some_and(|one| job.processors != [one]) {
            steps.run(Step::Affinity, || affinity::confine(&job.processors))?;
        }
        finish(&job, base, given, &init.launcher, &mut steps)
    });
    drop(init.launcher);
    match finished {
        Ok(built) => {
            job.tell(&Report::Ready { steps_us: steps.0 });
            serve::until_closed(job, built);
            Some(())
        }
        Err(error) => {
            job.tell(&Report::Failed(error));
            None
        }
    }
}

/// What the first half leaves to the second.
struct Base {
    workspace: OwnedFd,
    /// Over an image, what the job changes of it.
    changes: Option<OwnedFd>,
    view: view::View,
}

/// Detached mounts that only the launcher could make.
struct Given {
    lent: Option<OwnedFd>,
    /// In the plan's order.
    volumes: Vec<OwnedFd>,
}

/// What the programs need of the finished sandbox.
pub(crate) struct Built {
    workspace: OwnedFd,
    changes: Option<OwnedFd>,
    landlock: Option<landlock::RulesetCreated>,
}

/// The page: every step in its order, and what would go wrong in another one. First to its place among the groups.
fn stand(init: &Inheritance, steps: &mut Steps) -> Result<(), StepError> {
    // First: the launcher's other descriptors (sockets, other jobs' cgroups) must not outlive the clone. CVE-2024-21626.
    steps.run(Step::Descriptors, || keep_only_own_descriptors(init))?;
    // Before any id means anything: until the maps are written this process is the overflow user.
    steps.run(Step::IdMap, || wait_for_id_maps(init))?;
    // Before the user id changes: cgroup v1 compares the writer's id with the target's, and on v2 the files are the launcher's.
    steps.run(Step::EnterCgroup, || enter_cgroup(&init.cgroup))
}

/// The page, all that needs nothing of the job.
fn prepare(init: &Inheritance, steps: &mut Steps) -> Result<Base, StepError> {
    // Before the user id changes, with which this process could not write the offsets.
    let time = steps.run(Step::Time, || init.machine.time.then(time::enter).transpose().at(Step::Time, 0))?;
    // Group first: after setresuid the right to change groups may be gone. Files made below belong to the job's id.
    steps.run(Step::Identity, || become_job(init.foundation.ids))?;
    // After the id change, which clears it (prctl(2)).
    steps.run(Step::ParentDeath, || die_with_launcher(init))?;
    // Before any mount: nothing made here may reach the launcher's mount namespace, nor the other way round.
    steps.run(Step::Propagation, || mounts::make_private().at(Step::Propagation, 0))?;
    // Before the root: over an image, that is where its upper layer is.
    let scratch = steps.run(Step::Scratch, root::make_scratch)?;
    let (root, changes) = steps.run(Step::Root, || root::attach(&init.foundation.root, &scratch))?;
    // While the old root's unmasked /proc is still visible: without one the kernel refuses a new proc (EPERM).
    let proc = steps.run(Step::Proc, || root::mount_proc(&root))?;
    // Through the new /proc, while it is writable and this process still may: no user namespace inside this one.
    steps.run(Step::UserNamespaces, || harden::forbid_user_namespaces(&proc))?;
    let workspace = steps.run(Step::Places, || root::show_scratch(&root, &scratch))?;
    steps.run(Step::Terminals, || root::mount_terminals(&root))?;
    // After the sysctl above is written, before any program could look.
    steps.run(Step::Masks, || root::mask(&root, &init.foundation.root))?;
    // After the masks: nothing of them may cover it.
    let view = steps.run(Step::View, || view::make(&root, init, time))?;
    // After all mounts; from here the host's files cannot be named. pivot_root, not chroot: nothing to climb back to.
    steps.run(Step::Pivot, || root::pivot(&root))?;
    steps.run(Step::Hostname, || harden::set_hostname(&init.foundation.hostname))?;
    // Needs CAP_NET_ADMIN in this network namespace, so before capabilities go.
    steps.run(Step::Loopback, harden::loopback_up)?;
    // Keyrings are not namespaced as a whole: a new session keyring keeps the launcher's out of reach. keyrings(7).
    steps.run(Step::Keyring, || sys::join_new_session_keyring().at(Step::Keyring, 0))?;
    // Last: what came before may be done anywhere. To be moved takes a while, and nobody waits for it now.
    steps.run(Step::Affinity, || init.processor.map_or(Ok(()), |one| affinity::confine(&[one])))?;
    Ok(Base { workspace, changes, view })
}

/// The page's end, once the job is known.
fn finish(
    job: &Job,
    base: Base,
    given: Given,
    launcher: &OwnedFd,
    steps: &mut Steps,
) -> Result<Built, StepError> {
    let Base { mut workspace, changes, view } = base;
    // Before any program could look.
    steps.run(Step::Fill, || view.fill(&job.machine, job.plan.view, &job.processors))?;
    // Needs CAP_SYS_ADMIN over the filesystem, so before capabilities go.
    steps.run(Step::ScratchSize, || root::size_scratch(&job.plan.scratch))?;
    match (job.plan.workspace, given.lent) {
        (Workspace::Own, _) => (),
        // Before the first program: the mount is there whenever a case is.
        (Workspace::Lent, _) => steps.run(Step::Lend, || root::lend(launcher))?,
        // After the size, which is asked for by the path that this covers.
        (Workspace::Over, Some(lent)) => {
            workspace = steps.run(Step::Overlay, || root::lay_over(&lent, &workspace))?;
        }
        (Workspace::Over, None) => {
            return Err(StepError { step: Step::Overlay, index: 20, errno: libc::EBADMSG });
        }
    }
    // After the overlay, which would cover those below `/workspace`. Before the first program: nobody moves their places.
    if !job.plan.volumes.is_empty() {
        steps.run(Step::Volumes, || volumes::attach(&job.plan, &given.volumes))?;
    }
    if changes.is_some() {
        volumes::make_workdirs(&job.plan);
    }
    // After everything that needed one. CVE-2022-29162: all five sets, inheritable too.
    steps.run(Step::Capabilities, harden::drop_capabilities)?;
    // Before landlock and seccomp, which demand it of a process without CAP_SYS_ADMIN.
    steps.run(Step::NoNewPrivs, harden::no_new_privs)?;
    // Opened after pivot, so the rules mean the job's paths. Each program enforces it on itself after its last open.
    let landlock = steps.run(Step::Landlock, || harden::landlock_rules(job.plan.landlock.as_ref()))?;
    Ok(Built { workspace, changes, landlock })
}

fn keep_only_own_descriptors(init: &Inheritance) -> Result<(), StepError> {
    let null = mounts::open_path(c"/host/dev/null").at(Step::Descriptors, 0)?;
    nix::unistd::dup2_stdin(&null).at(Step::Descriptors, 1)?;
    nix::unistd::dup2_stdout(&null).at(Step::Descriptors, 2)?;
    nix::unistd::dup2_stderr(&null).at(Step::Descriptors, 3)?;
    drop(null);
    let mut keep = vec![0, 1, 2, init.launcher.as_raw_fd()];
    keep.extend(init.cgroup.descriptors());
    let entries = init.steps.iter().map(|step| &step.entry);
    keep.extend(entries.flat_map(|e| e.tasks.iter().chain(&e.into)).map(AsRawFd::as_raw_fd));
    keep.extend(init.steps.iter().filter_map(|step| step.stats.as_ref()).flat_map(LeafStats::descriptors));
    program::close_all_but(keep).at(Step::Descriptors, 4)
}

fn wait_for_id_maps(init: &Inheritance) -> Result<(), StepError> {
    match wire::receive::<()>(init.launcher.as_fd()).at(Step::IdMap, 0)? {
        Some(_) => Ok(()),
        // The launcher failed and has said so itself, or it died.
        None => sys::exit_now(3),
    }
}

fn enter_cgroup(cgroup: &InitEntry) -> Result<(), StepError> {
    cgroup.entry.enter().at(Step::EnterCgroup, 0)?;
    // Rooted where this process now stands: the job's group. From a leaf it could start nothing in another one.
    nix::sched::unshare(CloneFlags::CLONE_NEWCGROUP).at(Step::EnterCgroup, 1)?;
    cgroup.move_in().at(Step::EnterCgroup, 2)?;
    cgroup.pass_on().at(Step::EnterCgroup, 3)
}

fn become_job(ids: Ids) -> Result<(), StepError> {
    let (uid, gid) = (Uid::from_raw(ids.user), Gid::from_raw(ids.group));
    setresgid(gid, gid, gid).at(Step::Identity, 0)?;
    setresuid(uid, uid, uid).at(Step::Identity, 1)?;
    // The id change has done so already where the id changed; with an unchanged id it has not.
    nix::sys::prctl::set_dumpable(false).at(Step::Identity, 2)
}

fn die_with_launcher(init: &Inheritance) -> Result<(), StepError> {
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).at(Step::ParentDeath, 0)?;
    // The launcher may have died before that call. getppid() says 0 here either way; the socket's end tells.
    let mut poll = [nix::poll::PollFd::new(init.launcher.as_fd(), nix::poll::PollFlags::empty())];
    nix::poll::poll(&mut poll, nix::poll::PollTimeout::ZERO).at(Step::ParentDeath, 1)?;
    match poll[0].revents() {
        Some(events) if events.contains(nix::poll::PollFlags::POLLHUP) => sys::exit_now(3),
        _ => Ok(()),
    }
}

/// Runs the steps and notes how long each took.
struct Steps(Vec<(Step, u32)>);

impl Steps {
    fn run<T>(&mut self, step: Step, action: impl FnOnce() -> Result<T, StepError>) -> Result<T, StepError> {
        let since = Instant::now();
        let value = action()?;
        self.0.push((step, u32::try_from(since.elapsed().as_micros()).unwrap_or(u32::MAX)));
        Ok(value)
    }
}
