//! What speaks HTTP holds no privilege, whoever started it.

use anyhow::Context;
use nix::sys::prctl::set_no_new_privs;
use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};

/// No account of the host, and not the launcher's id (the one above): neither could signal or trace the other.
pub const DAEMON: u32 = 1_999_999_999;

/// For good. After the launcher, the listener and the policies, which may need root, and before any thread that starts
/// programs: `no_new_privs` is for this thread and those it makes. Ids are changed for all threads there are (nptl(7)).
pub fn shed() -> anyhow::Result<()> {
    if geteuid().is_root() {
        let (user, group) = (Uid::from_raw(DAEMON), Gid::from_raw(DAEMON));
        // Groups first: without root's uid they could not be changed any more.
        setgroups(&[]).context("cannot leave root's groups")?;
        setresgid(group, group, group).context("cannot leave root's group")?;
        // All three ids: with the last root id the kernel drops every capability (capabilities(7)).
        setresuid(user, user, user).context("cannot stop being root")?;
    }
    set_no_new_privs().context("cannot give up setuid programs")
}
