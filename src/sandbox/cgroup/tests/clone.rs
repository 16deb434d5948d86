//! Entry by `CLONE_INTO_CGROUP`, as the launcher and the sandbox's init do it, under the rules of `nsdelegate`.

use std::process::{Command, Output};

use nix::errno::Errno;

use super::support::{NONE, OTHER, find, in_own_process, inherited, is_root, say};
use crate::cgroup::{CgroupNamespace, Groups, JobGroup};

const CLONE_NEWCGROUP: u64 = 0x0200_0000;

/// Clones an init with `flags` into its group, which becomes the owner and clones a step into the leaf.
///
/// `clone3` has number 435 on every architecture; without a stack it works like `fork`.
fn clone_step(group: &JobGroup, flags: u64) -> Option<Output> {
    let (init, leaf) = (group.init.into.as_ref()?, group.steps[0].entry.into.as_ref()?);
    let (uid, gid) = OTHER;
    let program = format!(
        "sub into {{ my ($fd, $flags) = @_;
            my $args = pack('Q11', 0x200000000 | $flags, 0, 0, 0, 17, 0, 0, 0, 0, 0, $fd);
            my $pid = syscall(435, $args, 88);
            if ($pid < 0) {{ print 'errno ', $! + 0; exit 1 }}
            if ($pid) {{ waitpid($pid, 0); exit 0 }} }}
         $| = 1;
         into({}, {flags});
         $( = {gid}; $) = '{gid} {gid}'; $< = $> = {uid};
         into({}, 0);
         open(F, '<', '/proc/self/cgroup'); print grep {{ /^0::/ }} <F>;",
        inherited(init),
        inherited(leaf)
    );
    Some(Command::new("perl").args(["-e", &program]).output().expect("perl"))
}

fn with_own_namespace(body: impl FnOnce(&JobGroup)) {
    if !is_root() {
        return;
    }
    let Some(mut found) = find() else { return };
    if found.v2.is_none() {
        found.release();
        return say("SKIPPED: no v2 tree");
    }
    let groups = Groups::open(&found, CgroupNamespace::Own).expect("open");
    let mut group = groups.create("cloned", &NONE, &[NONE], Some(OTHER)).expect("create");
    body(&group);
    group.remove().expect("remove");
    groups.remove_all().expect("remove all");
    // From inside the namespace the way home may be closed; the daemon, which does not share it, has no such trouble.
    found.release();
}

#[test]
fn init_clones_a_step_into_its_leaf() {
    in_own_process("clone::init_clones_a_step_into_its_leaf", || {
        with_own_namespace(|group| {
            let output = clone_step(group, 0).expect("a v2 tree");
            let seen = String::from_utf8_lossy(&output.stdout);
            // Nothing of the path above the subtree shows.
            assert_eq!(seen.trim(), "0::/jobs/cloned/step-0", "{output:?}");
        });
    });
}

/// Why sandboxes are cloned without `CLONE_NEWCGROUP`.
#[test]
fn a_namespace_per_sandbox_would_bar_init_from_its_leaves() {
    in_own_process("clone::a_namespace_per_sandbox_would_bar_init_from_its_leaves", || {
        with_own_namespace(|group| {
            let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
            if !mounts.contains("nsdelegate") {
                return say("SKIPPED: cgroup2 is mounted without nsdelegate");
            }
            let output = clone_step(group, CLONE_NEWCGROUP).expect("a v2 tree");
            let refused = format!("errno {}", Errno::ENOENT as i32);
            assert_eq!(String::from_utf8_lossy(&output.stdout), refused, "{output:?}");
        });
    });
}
