//! Which host user ids jobs get.
//!
//! | started by | launcher | job in slot `n` |
//! |---|---|---|
//! | root | `ROOT_BASE` | `ROOT_BASE + 1 + n`: never host uid 0, and no account of the host |
//! | user with a subuid range | the user | one of the range (subuid(5)), by newuidmap(1) once |
//! | user without | the user | the user: the kernel lets an ordinary user map only itself (user_namespaces(7)) |
//!
//! Jobs over images and volumes have the ids of those instead, since the files outlive the job: image id `i` is one host
//! id for all of them, taken from the upper end of the same range.

#![expect(clippy::disallowed_methods, reason = "before any job exists, on the host's own files")]

use std::fs;
use std::io;
use std::process::{Command, Stdio};

use model::IdMapKind;
use nix::unistd::{Uid, User, getegid, geteuid};
use serde::{Deserialize, Serialize};

use crate::plan::{IdMap, Ids};
use crate::tool::ImageIds;

/// Above every range that distributions hand out (subuids, systemd's dynamic users and containers), below 2^31.
const ROOT_BASE: u32 = 2_000_000_000;
const ROOT_COUNT: u32 = 131_072;
/// A range that holds neither an image's accounts nor many jobs is as good as none.
const LEAST_RANGE: u32 = 1024;
/// No image has more: its `nobody` is 65534.
const MOST_IMAGE_IDS: u32 = 65_536;

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
        let most = u32::from(u16::MAX);
        self.range.map_or(most, |range| (range.count - image_ids(range)).min(most))
    }

    /// In the launcher's own terms.
    pub(crate) fn image_ids(&self) -> ImageIds {
        match self.range {
            None => ImageIds::SINGLE,
            Some(range) => ImageIds { first: 1 + range.count - image_ids(range), count: image_ids(range) },
        }
    }

    pub(crate) fn kind(&self) -> IdMapKind {
        if self.range.is_some() { IdMapKind::PerSlot } else { IdMapKind::Single }
    }

    /// Of one job, in the launcher's own terms.
    pub(crate) fn of_job(&self, slot: u32, inside: Ids) -> JobIds {
        let images = self.image_ids();
        let (user, group) = match (self.range, inside.map) {
            (None, _) => (0, 0),
            (Some(_), IdMap::Slot) => (1 + slot, 1 + slot),
            (Some(_), IdMap::Image) => (images.owner(inside.user), images.owner(inside.group)),
        };
        let host_uid = self.range.map_or(self.launcher.0, |range| range.first_uid + user - 1);
        let all = (self.range.is_some() && inside.map == IdMap::Image).then_some(images);
        let one = |inside, id| format!("{inside} {id} 1");
        let (uid_map, gid_map) = match all {
            Some(images) => (all_ids(images), all_ids(images)),
            None => (one(inside.user, user), one(inside.group, group)),
        };
        JobIds { host_uid, user, group, own: self.range.is_some(), uid_map, gid_map }
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

/// The ids of one job.
#[derive(Clone, Debug)]
pub(crate) struct JobIds {
    /// For the receipt.
    pub(crate) host_uid: u32,
    /// Of its programs, in the launcher's terms.
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// Whether they are not the launcher's own.
    pub(crate) own: bool,
    /// As user_namespaces(7) wants them written.
    pub(crate) uid_map: String,
    pub(crate) gid_map: String,
}

/// At most a sixteenth goes to the slots, and what images have no use for.
fn image_ids(range: Range) -> u32 {
    (range.count - range.count / 16).min(MOST_IMAGE_IDS)
}

/// The last one stands for `nobody`, whatever there is room for below it.
fn all_ids(ImageIds { first, count }: ImageIds) -> String {
    let last = count - 1;
    if last > 65_534 {
        return format!("0 {first} {count}");
    }
    format!("0 {first} {last}\n65534 {} 1", first + last)
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
    let count = uids.min(gids);
    let usable = installed("newuidmap")
        && installed("newgidmap")
        && !nix::sys::prctl::get_no_new_privs().ok()?
        && count >= LEAST_RANGE;
    usable.then_some(Range { first_uid, first_gid, count })
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
    const ALONE: HostIds = HostIds { launcher: (1000, 1000), range: None };

    fn with(count: u32) -> HostIds {
        let range = Range { first_uid: 100_000, first_gid: 200_000, count };
        HostIds { range: Some(range), ..ALONE }
    }

    const OVER_IMAGE: Ids = Ids { user: 33, group: 5, map: IdMap::Image };

    #[test]
    fn slots_and_images_share_a_range_and_no_id() {
        for count in [LEAST_RANGE, 65_536, ROOT_COUNT - 1] {
            let ids = with(count);
            let (slots, images) = (ids.slots(), ids.image_ids());
            assert!(slots >= 64 && images.count >= 960, "{count}");
            assert!(slots < images.first, "{count}: {slots} {images:?}");
            assert_eq!(images.first + images.count, 1 + count);
        }
        assert_eq!(with(ROOT_COUNT - 1).image_ids().count, MOST_IMAGE_IDS);
    }

    #[test]
    fn a_job_over_an_image_has_the_ids_of_its_files() {
        let ids = with(65_536);
        let job = ids.of_job(3, OVER_IMAGE);
        // 4,096 slots come first.
        assert_eq!((job.user, job.group, job.host_uid), (4097 + 33, 4097 + 5, 100_000 + 4096 + 33));
        assert_eq!(job.uid_map, "0 4097 61439\n65534 65536 1");
        let alone = ids.of_job(3, Ids { map: IdMap::Slot, ..OVER_IMAGE });
        assert_eq!(
            (alone.host_uid, alone.uid_map.as_str(), alone.gid_map.as_str()),
            (100_003, "33 4 1", "5 4 1")
        );
        assert_eq!(with(ROOT_COUNT - 1).of_job(0, OVER_IMAGE).uid_map, "0 65536 65536");
    }

    #[test]
    fn without_a_range_every_id_is_the_launchers() {
        let job = ALONE.of_job(3, OVER_IMAGE);
        assert_eq!((job.host_uid, job.user, job.own, job.uid_map.as_str()), (1000, 0, false, "33 0 1"));
        assert_eq!(job.gid_map, "5 0 1");
    }
}
