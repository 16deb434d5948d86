//! What a job may see of its own groups, so that runtimes which look there find its limits.

use std::path::PathBuf;

use super::{
    find::Delegation,
    membership::{self, Hierarchy},
};

/// One hierarchy at its usual place below `/sys/fs/cgroup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub kind: ShownKind,
    /// Of the host: the directory in which jobs' groups are made, or the one file.
    pub source: PathBuf,
    /// Empty on v2, which is not below but at that place.
    pub name: String,
    /// Its other names: each controller's own, where several share a hierarchy.
    pub links: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownKind {
    /// The job's own group.
    V1,
    /// No job has a group in this hierarchy, and all of it would be the host's: a single file that says nothing,
    /// because a JVM before 25 looks at no controller of v1 unless each of four is mounted (JDK-8347129).
    Placeholder,
    /// The job's own group, with all that there is to tell.
    V2,
}

/// There in every group of v1; `0`.
const PLACEHOLDER: &str = "cgroup.clone_children";
/// Those that say how much memory and CPU time there is.
const TELLING: [&str; 3] = ["memory", "cpu", "cpuacct"];
/// Those of which a JVM wants to see the mount, whether the job is in them or not.
const EXPECTED: [&str; 2] = ["cpuacct", "cpuset"];

impl Delegation {
    /// Nothing where the mounts cannot be read: a job then sees no groups.
    pub fn shown(&self) -> Vec<Shown> {
        self.shown_of(&membership::read().unwrap_or_default())
    }

    pub(super) fn shown_of(&self, hierarchies: &[Hierarchy]) -> Vec<Shown> {
        if let Some(subtree) = self.v2.iter().find(|subtree| !subtree.controllers.is_empty()) {
            let (source, kind) = (subtree.path.join("jobs"), ShownKind::V2);
            return vec![Shown { kind, source, name: String::new(), links: Vec::new() }];
        }
        let v1 = hierarchies.iter().filter(|hierarchy| !hierarchy.unified);
        let all: Vec<Shown> = v1.filter_map(|hierarchy| self.shown_v1(hierarchy)).collect();
        if all.iter().any(|shown| shown.kind == ShownKind::V1) { all } else { Vec::new() }
    }

    fn shown_v1(&self, hierarchy: &Hierarchy) -> Option<Shown> {
        let has = |names: &[&str]| names.iter().any(|name| hierarchy.controllers.iter().any(|c| c == name));
        let subtree = self.v1.iter().find(|subtree| subtree.path.starts_with(&hierarchy.mount));
        let (kind, source) = match subtree {
            Some(subtree) if has(&TELLING) => (ShownKind::V1, subtree.path.clone()),
            _ if has(&EXPECTED) => (ShownKind::Placeholder, hierarchy.own.join(PLACEHOLDER)),
            _ => return None,
        };
        let links = if hierarchy.controllers.len() > 1 { hierarchy.controllers.clone() } else { Vec::new() };
        Some(Shown { kind, source, name: hierarchy.controllers.join(","), links })
    }
}
