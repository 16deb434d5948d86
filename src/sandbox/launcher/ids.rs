//! Which host user ids jobs get.
//!
//! | started by | launcher | job in slot `n` |
//! |---|---|---|
//! | root | `ROOT_BASE` | `ROOT_BASE + 1 + n`: never host uid 0, and no account of the host |
//! | user with a subuid range | the user | one of the range (subuid(5)), by newuidmap(1) once |
//! | user without | the user | the user: the kernel lets an ordinary user map only itself (user_namespaces(7)) |

#![expect(clippy::disallowed_methods, reason = "before any job exists, on the host's own files")]

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use model::IdMapKind;
use nix::unistd::{Uid, User, getegid, geteuid};
use serde::{Deserialize, Serialize};

/// Above every range that distributions hand out (subuids, systemd's dynamic users and containers), below 2^31.
const ROOT_BASE: u32 = 2_000_000_000;
const ROOT_COUNT: u32 = 65_536;

/// Host ids that the launcher's user namespace maps, in its own terms: 0 is the launcher, 1 and up are the slots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostIds {
    pub(crate) launcher: (u32, u32),
    pub(crate) range: Option<Range>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) first_uid: u32,
    pub(crate) first_gid: u32,
    pub(crate) count: u32,
}

impl HostIds {
    pub(crate) fn of_this_user() -> Self {
        let (uid, gid) = (geteuid(), getegid());
        if uid.is_root() {
            let first = ROOT_BASE + 1;
            let range = Range { first_uid: first, first_gid: first, count: ROOT_COUNT - 1 };
            return Self { launcher: (ROOT_BASE, ROOT_BASE), range: Some(range) };
        }
        Self { launcher: (uid.as_raw(), gid.as_raw()), range: subordinate(uid) }
    }

    /// How many jobs can have an id of their own at one time; with a single id they share it.
    pub(crate) fn slots(&self) -> u32 {
        self.range.map_or(u32::from(u16::MAX), |range| range.count.min(u32::from(u16::MAX)))
    }

    pub(crate) fn kind(&self) -> IdMapKind {
        if self.range.is_some() { IdMapKind::PerSlot } else { IdMapKind::Single }
    }

    /// The host id of the job in `slot`, for the receipt.
    pub(crate) fn host_uid(&self, slot: u32) -> u32 {
        self.range.map_or(self.launcher.0, |range| range.first_uid + slot)
    }

    /// The same id as the launcher's user namespace calls it.
    pub(crate) fn mapped(&self, slot: u32) -> u32 {
        if self.range.is_some() { 1 + slot } else { 0 }
    }

    /// Writes the id maps of the launcher's new user namespace.
    pub(crate) fn write_maps(&self, pid: u32) -> io::Result<()> {
        let (uid, gid) = self.launcher;
        let Some(range) = self.range else {
            // Without it the kernel refuses a gid map to the unprivileged (CVE-2014-8989).
            fs::write(format!("/proc/{pid}/setgroups"), "deny")?;
            fs::write(format!("/proc/{pid}/uid_map"), format!("0 {uid} 1"))?;
            return fs::write(format!("/proc/{pid}/gid_map"), format!("0 {gid} 1"));
        };
        if geteuid().is_root() {
            let map = |own, first| format!("0 {own} 1\n1 {first} {}", range.count);
            fs::write(format!("/proc/{pid}/uid_map"), map(uid, range.first_uid))?;
            return fs::write(format!("/proc/{pid}/gid_map"), map(gid, range.first_gid));
        }
        helper("newuidmap", pid, uid, range.first_uid, range.count)?;
        helper("newgidmap", pid, gid, range.first_gid, range.count)
    }
}

/// newuidmap(1) and newgidmap(1): setuid programs of the host that check subuid(5).
fn helper(program: &str, pid: u32, own: u32, first: u32, count: u32) -> io::Result<()> {
    let numbers = [pid, 0, own, 1, 1, first, count].map(|n| n.to_string());
    let status = Command::new(program).args(numbers).stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EPERM)) }
}

/// The first range that both files give this user, if the helpers that may map it are there.
fn subordinate(uid: Uid) -> Option<Range> {
    let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
    let (first_uid, uids) = range_in(&fs::read_to_string("/etc/subuid").ok()?, name.as_deref(), uid)?;
    let (first_gid, gids) = range_in(&fs::read_to_string("/etc/subgid").ok()?, name.as_deref(), uid)?;
    let folders = std::env::var_os("PATH")?;
    let installed = |program| std::env::split_paths(&folders).any(|folder| folder.join(program).exists());
    let usable =
        installed("newuidmap") && installed("newgidmap") && !nix::sys::prctl::get_no_new_privs().ok()?;
    usable.then_some(Range { first_uid, first_gid, count: uids.min(gids) })
}

fn range_in(file: &str, name: Option<&str>, uid: Uid) -> Option<(u32, u32)> {
    file.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let (first, count): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let ours = Some(owner) == name || owner == uid.to_string();
        (ours && count > 0 && first > 0 && first.checked_add(count).is_some()).then_some((first, count))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_found_by_name_or_number_and_never_holds_root() {
        let file = "other:100000:65536\nroot:0:10\nann:165536:100\n1007:400000:50\nbroken\n";
        assert_eq!(range_in(file, Some("ann"), Uid::from_raw(5)), Some((165_536, 100)));
        assert_eq!(range_in(file, None, Uid::from_raw(1007)), Some((400_000, 50)));
        assert_eq!(range_in(file, Some("root"), Uid::from_raw(0)), None);
        assert_eq!(range_in(file, Some("zoe"), Uid::from_raw(9)), None);
    }
}
