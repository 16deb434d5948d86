//! The commands with which root prepares a tree for an ordinary user, where no systemd delegates one.

use std::fmt::Write as _;

use super::{
    find::{Controller, SHELL, prepared_name},
    membership::{self, Hierarchy},
};

/// A shell script for root, for this host's layout; good until the next boot.
pub fn print_setup(uid: u32, user: &str) -> String {
    script(&membership::read().unwrap_or_default(), uid, user)
}

fn script(hierarchies: &[Hierarchy], uid: u32, user: &str) -> String {
    let name = prepared_name(uid);
    let mut text = String::from("# As root, once after every boot:\n");
    let (v1, v2): (Vec<_>, Vec<_>) = hierarchies.iter().partition(|hierarchy| !hierarchy.unified);
    let limits = |hierarchy: &Hierarchy| {
        Controller::ALL.iter().any(|one| hierarchy.controllers.iter().any(|name| name == one.name()))
    };
    let v1: Vec<_> = v1.into_iter().filter(|hierarchy| limits(hierarchy)).collect();
    for hierarchy in &v1 {
        let tree = hierarchy.mount.join(&name).display().to_string();
        let _ = writeln!(text, "mkdir -p {tree}");
        let _ = writeln!(text, "chown {user} {tree} {tree}/cgroup.procs {tree}/tasks");
    }
    for hierarchy in v2 {
        unified(&mut text, hierarchy, &name, user, v1.is_empty());
    }
    text
}

/// The user's shell needs a leaf of its own: the tree can pass its controllers on only while nobody stands in it, and
/// nobody can move in from outside without rights on the common ancestor.
fn unified(text: &mut String, hierarchy: &Hierarchy, name: &str, user: &str, has_controllers: bool) {
    let mount = hierarchy.mount.display().to_string();
    let tree = hierarchy.mount.join(name).display().to_string();
    let _ = writeln!(text, "mkdir -p {tree}/{SHELL}");
    if has_controllers {
        for at in [&mount, &tree] {
            let _ = writeln!(text, "echo '+memory +pids +cpu' > {at}/cgroup.subtree_control");
        }
    }
    for at in [tree.clone(), format!("{tree}/{SHELL}")] {
        let files = ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"];
        let files: Vec<String> = files.iter().map(|file| format!("{at}/{file}")).collect();
        let _ = writeln!(text, "chown {user} {at} {}", files.join(" "));
    }
    let _ = writeln!(
        text,
        "# As root, for every shell of {user} that is to start stockade (PID: its process id):"
    );
    let _ = writeln!(text, "echo PID > {tree}/{SHELL}/cgroup.procs");
    let _ = writeln!(text, "# Or start one inside:");
    let _ = writeln!(text, "sh -c 'echo 0 > {tree}/{SHELL}/cgroup.procs; exec su - {user}'");
}
