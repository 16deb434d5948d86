use alloc::string::String;
use alloc::vec::Vec;

use crate::Pair;
use crate::host::container;

/// The container as it really is, from the hook `pre_start` on.
#[derive(Debug)]
pub struct Container {
    _current: (),
}

impl Container {
    pub(crate) fn current() -> Self {
        Self { _current: () }
    }

    /// Namespaces of its own: `user`, `pid`, `mount`, …
    pub fn namespaces(&self) -> Vec<String> {
        container::namespaces()
    }

    /// The user id on the host; never 0.
    pub fn host_uid(&self) -> u32 {
        container::host_uid()
    }

    /// `per_slot` or `single`.
    pub fn id_map(&self) -> String {
        container::id_map()
    }

    pub fn capabilities(&self) -> Vec<String> {
        container::capabilities()
    }

    pub fn no_new_privs(&self) -> bool {
        container::no_new_privs()
    }

    /// Profiles in use with their digests, `sha256:…`.
    pub fn seccomp(&self) -> Vec<Pair> {
        container::seccomp()
    }

    pub fn landlock_abi(&self) -> Option<u32> {
        container::landlock_abi()
    }

    /// `v2`, `hybrid`, `v1` or `none`.
    pub fn cgroup_version(&self) -> String {
        container::cgroup_version()
    }

    pub fn cgroup_controllers(&self) -> Vec<String> {
        container::cgroup_controllers()
    }

    pub fn root_filesystem(&self) -> String {
        container::root_filesystem()
    }

    pub fn network(&self) -> String {
        container::network()
    }

    /// Layers that could not be had and that the operator allows to be missing.
    pub fn degraded(&self) -> Vec<String> {
        container::degraded()
    }

    /// The whole receipt, or the value at a JSON pointer into it, as JSON text.
    pub fn json(&self, pointer: &str) -> Option<String> {
        container::json(pointer)
    }
}
