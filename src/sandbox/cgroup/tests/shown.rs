//! What of which hierarchy jobs are shown.

use std::path::{Path, PathBuf};

use super::super::{Controller, Delegation, ShownKind, Subtree, Swap, membership::Hierarchy};

fn v1(names: &[&str]) -> Hierarchy {
    let mount = Path::new("/sys/fs/cgroup").join(names.join(","));
    let controllers = names.iter().map(|name| (*name).to_owned()).collect();
    Hierarchy { controllers, own: mount.join("mine"), mount, unified: false }
}

fn delegation(v1: &[&str], v2: Option<&[Controller]>) -> Delegation {
    let subtree =
        |path: PathBuf, controllers: &[Controller]| Subtree { path, controllers: controllers.to_vec() };
    Delegation::of_subtrees(
        v2.map(|controllers| subtree("/sys/fs/cgroup/stockade-1".into(), controllers)),
        v1.iter().map(|path| subtree((*path).into(), &[Controller::Memory])).collect(),
        Swap::Absent,
    )
}

#[test]
fn v1_shows_the_jobs_groups_and_of_the_rest_that_it_is_there() {
    let found = delegation(
        &["/sys/fs/cgroup/memory/s", "/sys/fs/cgroup/cpu,cpuacct/s", "/sys/fs/cgroup/pids/s"],
        None,
    );
    let all = [v1(&["cpu", "cpuacct"]), v1(&["memory"]), v1(&["pids"]), v1(&["cpuset"]), v1(&["devices"])];
    let shown = found.shown_of(&all);
    let kinds: Vec<_> = shown.iter().map(|shown| (shown.name.as_str(), shown.kind)).collect();
    let expected =
        [("cpu,cpuacct", ShownKind::V1), ("memory", ShownKind::V1), ("cpuset", ShownKind::Placeholder)];
    assert_eq!(kinds, expected);
    assert_eq!(shown[0].links, ["cpu", "cpuacct"]);
    assert_eq!(shown[0].source, Path::new("/sys/fs/cgroup/cpu,cpuacct/s"));
    assert_eq!(shown[2].source, Path::new("/sys/fs/cgroup/cpuset/mine/cgroup.clone_children"));
}

#[test]
fn cpu_and_cpuacct_apart_are_two_mounts() {
    let found = delegation(&["/sys/fs/cgroup/cpu/s"], Some(&[]));
    let shown = found.shown_of(&[v1(&["cpu"]), v1(&["cpuacct"])]);
    let kinds: Vec<_> = shown.iter().map(|shown| (shown.name.as_str(), shown.kind)).collect();
    assert_eq!(kinds, [("cpu", ShownKind::V1), ("cpuacct", ShownKind::Placeholder)]);
}

#[test]
fn v2_is_shown_where_it_has_controllers_and_alone() {
    let found = delegation(&[], Some(&[Controller::Memory]));
    let shown = found.shown_of(&[v1(&["cpuset"])]);
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (shown[0].kind, shown[0].source.as_path()),
        (ShownKind::V2, Path::new("/sys/fs/cgroup/stockade-1/jobs"))
    );
    assert_eq!(delegation(&[], None).shown_of(&[v1(&["cpuset"])]), []);
}
