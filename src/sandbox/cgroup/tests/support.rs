//! Tests as processes, and Perl programs as jobs (part of every Debian, and able to write to a numbered descriptor).

use std::{
    env,
    fs::File,
    io::Read,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    process::{Child, Command, Output, Stdio},
    sync::LazyLock,
};

use model::CgroupLimits;
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    unistd::geteuid,
};

use crate::cgroup::{CgroupError, Delegation, FindOptions, Groups, JobGroup};

/// An uid and gid that nothing else on the host uses.
pub(super) const OTHER: (u32, u32) = (54_321, 54_321);

const ROLE: &str = "STOCKADE_CGROUP_TEST";

impl Groups {
    /// Made and limited in one go.
    pub(super) fn create(
        &self,
        name: &str,
        job: &CgroupLimits,
        steps: &[CgroupLimits],
        owner: Option<(u32, u32)>,
    ) -> Result<JobGroup, CgroupError> {
        let mut group = self.make(name, steps.len(), owner)?;
        group.init.pass_on().expect("nobody stands in a new group");
        match self.limit(&group, job, steps) {
            Ok(()) => Ok(group),
            Err(error) => {
                let _ = group.remove();
                Err(error)
            }
        }
    }
}

/// Runs `body` in a new process, where only this test's thread does anything. `test` is its path below this module.
pub(super) fn in_own_process(test: &str, body: impl FnOnce()) {
    if env::var(ROLE).as_deref() == Ok(test) {
        return body();
    }
    let output = own_process(test).output().expect("cannot start the test again");
    report(test, &output);
}

/// The tests' own program, by a descriptor that children inherit: another user may not reach it by its path, below
/// root's home say.
static PROGRAM: LazyLock<(File, String)> = LazyLock::new(|| {
    let program =
        File::open(env::current_exe().expect("no path of this test")).expect("a program can be read");
    fcntl(&program, FcntlArg::F_SETFD(FdFlag::empty())).expect("it is open");
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    (program, path)
});

/// The command that runs `test`'s body.
pub(super) fn own_process(test: &str) -> Command {
    let mut command = Command::new(&PROGRAM.1);
    let path = format!("cgroup::tests::{test}");
    command.args([&path, "--exact", "--nocapture", "--test-threads=1"]).env(ROLE, test);
    command
}

pub(super) fn report(test: &str, output: &Output) {
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    for skipped in printed.lines().filter(|line| line.contains("SKIPPED")) {
        say(skipped);
    }
    assert!(output.status.success() && printed.contains("1 passed"), "{test}: {}\n{printed}", output.status);
}

#[expect(clippy::print_stderr, reason = "a skipped test must show")]
pub(super) fn say(line: &str) {
    eprintln!("{line}");
}

/// `None`, with the reason printed, where this host cannot run the test.
pub(super) fn find() -> Option<Delegation> {
    find_for(None)
}

pub(super) fn find_for(owner: Option<(u32, u32)>) -> Option<Delegation> {
    match Delegation::find(&FindOptions { owner, allow_swap: true }) {
        Ok(found) => Some(found),
        Err(error @ (CgroupError::NotDelegated { .. } | CgroupError::NoControllers { .. })) => {
            say(&format!("SKIPPED: {error}"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

pub(super) fn is_root() -> bool {
    let root = geteuid().is_root();
    if !root {
        say("SKIPPED: needs root");
    }
    root
}

/// Runs `body` with groups of this host, and checks that nothing of them stays.
pub(super) fn with_groups(body: impl FnOnce(&Groups)) {
    let Some(mut found) = find() else { return };
    let groups = Groups::open(&found).expect("open");
    let paths: Vec<_> = found.v2.iter().chain(&found.v1).map(|subtree| subtree.path.clone()).collect();
    body(&groups);
    groups.remove_all().expect("remove all");
    let left = found.release();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(paths.iter().all(|path| !path.exists()), "left behind: {paths:?}");
}

pub(super) const NONE: CgroupLimits =
    CgroupLimits { memory_bytes: None, pids: None, cpus: None, cpu_weight: None };

pub(super) fn memory(bytes: u64) -> CgroupLimits {
    CgroupLimits { memory_bytes: Some(bytes), ..NONE }
}

/// Starts a Perl program that first enters init's groups, takes on `owner`'s ids and enters the step's groups.
pub(super) fn start(group: &JobGroup, step: usize, owner: Option<(u32, u32)>, program: &str) -> Child {
    let (init, leaf) = (&group.init, &group.steps[step].entry);
    let become_owner = owner.map_or(String::new(), |(uid, gid)| {
        format!("$( = {gid}; $) = '{gid} {gid}'; $< = $> = {uid}; die unless $< == {uid} && $> == {uid};")
    });
    let stand = init.leaf.as_ref().map(|leaf| &leaf.dir).or(init.entry.into.as_ref());
    let (init, leaf) = (enter(&init.entry.tasks, stand), enter(&leaf.tasks, leaf.into.as_ref()));
    let program = format!("{init} {become_owner} {leaf} $| = 1; {program}");
    Command::new("perl")
        .args(["-e", &program])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("perl")
}

/// Starts one that sleeps, and waits until it is inside.
pub(super) fn start_sleeper(group: &JobGroup, step: usize) -> Child {
    let mut child = start(group, step, None, "print 'in'; sleep 60;");
    let mut word = [0; 2];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut word).expect("the sleeper's word");
    child
}

pub(super) fn run(group: &JobGroup, step: usize, owner: Option<(u32, u32)>, program: &str) -> Output {
    start(group, step, owner, program).wait_with_output().expect("wait")
}

/// Perl that enters: v1 as [`crate::cgroup::Entry::enter`] does it, v2 by a move, which asks for the same rights as a clone.
fn enter(v1: &[OwnedFd], v2: Option<&OwnedFd>) -> String {
    let v1 = v1.iter().map(|dir| (dir, "tasks"));
    let files = v1.chain(v2.map(|dir| (dir, "cgroup.procs")));
    files.fold(String::new(), |program, (dir, file)| {
        let path = format!("/proc/self/fd/{}/{file}", inherited(dir));
        program + &format!("open(F, '>', '{path}') && syswrite(F, '0') or die \"{file}: $!\";")
    })
}

pub(super) fn inherited(fd: &impl AsFd) -> i32 {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::empty())).expect("fcntl");
    fd.as_fd().as_raw_fd()
}
