//! Entry by `CLONE_INTO_CGROUP`, as the launcher and the sandbox's init do it, under the rules of `nsdelegate`.

use std::{
    os::fd::AsFd,
    process::{Command, Output},
    sync::mpsc,
    thread,
};

use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
};

use super::super::dir;
use super::support::{OTHER, find, in_own_process, inherited, is_root, say};
use crate::cgroup::{Groups, JobGroup};

/// Becomes the owner and clones a step into the leaf, as init does it.
///
/// `clone3` has number 435 on every architecture; without a stack it works like `fork`.
fn clone_step(group: &JobGroup) -> Output {
    let leaf = group.steps[0].entry.into.as_ref().expect("a v2 tree");
    let (uid, gid) = OTHER;
    let program = format!(
        "$| = 1;
         $( = {gid}; $) = '{gid} {gid}'; $< = $> = {uid};
         my $args = pack('Q11', 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, {});
         my $pid = syscall(435, $args, 88);
         if ($pid < 0) {{ print 'errno ', $! + 0; exit 1 }}
         if ($pid) {{ waitpid($pid, 0); exit 0 }}
         open(F, '<', '/proc/self/cgroup'); print grep {{ /^0::/ }} <F>;",
        inherited(leaf)
    );
    Command::new("perl").args(["-e", &program]).output().expect("perl")
}

/// Runs `as_init` in a thread of its own, since a namespace is the thread's, and then takes the process, which moves as a
/// whole, back to where it stood.
///
/// The thread ends after that: one that is ending no longer moves (`cgroup_migrate_add_task`), and keeps the group busy
/// for a moment after it was joined.
fn with_init(as_init: impl FnOnce(&JobGroup) + Send) {
    if !is_root() {
        return;
    }
    let Some(mut found) = find() else { return };
    let Some(tree) = found.v2.as_ref().map(|subtree| subtree.path.clone()) else {
        found.release();
        return say("SKIPPED: no v2 tree");
    };
    let groups = Groups::open(&found).expect("open");
    let mut group = groups.make("cloned", 1, Some(OTHER)).expect("make");
    let (ran, has_run) = mpsc::channel();
    let (moved, has_moved) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let group = &group;
        let init = scope.spawn(move || {
            as_init(group);
            let _ = ran.send(());
            let _ = has_moved.recv();
        });
        let _ = has_run.recv();
        std::fs::write(tree.join("daemon/cgroup.procs"), "0").expect("back");
        drop(moved);
        init.join()
    })
    .expect("as init");
    group.remove().expect("remove");
    groups.remove_all().expect("remove all");
    assert!(found.release().is_empty());
}

/// As the launcher's clone does, with a move in its place, which asks for the same rights.
fn enter_job(group: &JobGroup) {
    let job = group.init.entry.into.as_ref().expect("a v2 tree");
    dir::put(job.as_fd(), "cgroup.procs", "0").expect("enter");
}

fn own_namespace() {
    unshare(CloneFlags::CLONE_NEWCGROUP).expect("a namespace");
}

#[test]
fn init_clones_a_step_into_its_leaf_in_a_namespace_of_its_own() {
    in_own_process("clone::init_clones_a_step_into_its_leaf_in_a_namespace_of_its_own", || {
        with_init(|group| {
            enter_job(group);
            own_namespace();
            group.init.move_in().expect("move in");
            group.init.pass_on().expect("pass on");
            let output = clone_step(group);
            // Nothing of the path above the job's group shows.
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0::/step-0", "{output:?}");
        });
    });
}

/// Why init makes its namespace before it moves.
#[test]
fn a_namespace_made_in_the_leaf_would_bar_init_from_the_steps() {
    in_own_process("clone::a_namespace_made_in_the_leaf_would_bar_init_from_the_steps", || {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
        if !mounts.contains("nsdelegate") {
            return say("SKIPPED: cgroup2 is mounted without nsdelegate");
        }
        with_init(|group| {
            if group.init.leaf.is_none() {
                return say("SKIPPED: no v2 controllers");
            }
            enter_job(group);
            group.init.move_in().expect("move in");
            group.init.pass_on().expect("pass on");
            own_namespace();
            let refused = format!("errno {}", Errno::ENOENT as i32);
            let output = clone_step(group);
            assert_eq!(String::from_utf8_lossy(&output.stdout), refused, "{output:?}");
        });
    });
}
