//! Whose host ids the jobs get.

use std::env;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::{FsFlags, statvfs};

use super::report::Check;

const SETUID: u32 = 0o4000;
const HELPERS: [&str; 2] = ["newuidmap", "newgidmap"];

/// A setuid helper gains nothing for a caller that has this bit.
pub(crate) fn no_new_privs(status: &str, root: bool) -> Check {
    let set =
        status.lines().filter_map(|line| line.strip_prefix("NoNewPrivs:")).any(|value| value.trim() == "1");
    if !set {
        return Check::pass("no_new_privs", "not set on this process");
    }
    if root {
        return Check::pass("no_new_privs", "set on this process, and of no matter to root");
    }
    let remedy = "start Stockade outside of what sets it (Docker: without `--security-opt no-new-privileges`; systemd: \
                  `NoNewPrivileges=no`)";
    Check::caution(
        "no_new_privs",
        "set on this process: newuidmap cannot work, all jobs share your user id",
        remedy,
    )
}

/// Without a range of its own a user can still run jobs: all under the one id.
pub(crate) fn id_map(uid: u32, user: &str, uids: &str, gids: &str) -> Check {
    const NAME: &str = "id_map";
    if uid == 0 {
        return Check::pass(NAME, "root: every running job gets a host id of its own");
    }
    let ranges = (range(uid, user, uids), range(uid, user, gids));
    let (Some((first, count)), Some(_)) = ranges else {
        let file = if ranges.0.is_none() { "/etc/subuid" } else { "/etc/subgid" };
        let remedy = format!("sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}");
        return Check::caution(
            NAME,
            format!("no range for `{user}` in {file}: all jobs share your user id"),
            remedy,
        );
    };
    for helper in HELPERS {
        let Some(path) = find(helper) else {
            let remedy = "install it: package `uidmap` (Debian, Ubuntu) or `shadow-utils` (Fedora, RHEL)";
            return Check::caution(NAME, format!("no {helper}: all jobs share your user id"), remedy);
        };
        if let Some((problem, remedy)) = powerless(&path) {
            let detail = format!("{} {problem}: it cannot map ids", path.display());
            return Check::caution(NAME, detail, remedy);
        }
    }
    plenty(first, count, user)
}

/// One in sixteen is for jobs over `host`; the others are the ids in images, whose `nobody` is always among them.
fn plenty(first: u32, count: u32, user: &str) -> Check {
    const LEAST: u32 = 1024;
    const FULL: u32 = 65_536;
    let images = (count - count / 16).min(FULL);
    let detail = format!("{count} host ids from {first} on, {images} of them for the ids in images");
    let remedy = format!("sudo usermod --add-subuids 100000-231071 --add-subgids 100000-231071 {user}");
    if count < LEAST {
        let detail = format!("{detail}, which is less than {LEAST}: all jobs share your user id");
        return Check::caution("id_map", detail, remedy);
    }
    if count < FULL {
        return Check::caution("id_map", format!("{detail}: those above share one"), remedy);
    }
    Check::pass("id_map", detail)
}

/// First and count of the first range of `user`, who may be named or numbered (subuid(5)).
fn range(uid: u32, user: &str, text: &str) -> Option<(u32, u32)> {
    let mut ranges = text.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let own = owner == user || owner == uid.to_string();
        own.then_some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ranges.find(|(first, count)| *first > 0 && *count > 0)
}

fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Why a helper will not be root's, if it will not, and what mends it.
fn powerless(path: &Path) -> Option<(&'static str, String)> {
    if statvfs(path).is_ok_and(|volume| volume.flags().contains(FsFlags::ST_NOSUID)) {
        let remedy = format!(
            "mount that volume without `nosuid`: sudo mount -o remount,suid \"$(findmnt -no TARGET -T {})\"",
            path.display()
        );
        return Some(("is on a volume mounted nosuid", remedy));
    }
    let metadata = path.metadata().ok()?;
    let setuid = metadata.mode() & SETUID != 0 && metadata.uid() == 0;
    // File capabilities do as well (Fedora); they cannot be read without a syscall that nothing here wraps.
    (!setuid).then(|| {
        let problem = "is not setuid root and may lack the file capability instead";
        (problem, format!("sudo chmod u+s {}", path.display()))
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::Status;
    use super::*;

    #[test]
    fn ranges_are_found_by_name_or_number() {
        let text =
            "alice:100000:65536\nbob:200000:10\nbob:300000:65536\n1001:400000:1\ncarol:1:0\nbroken:x:y\n";
        assert_eq!(range(1000, "alice", text), Some((100_000, 65536)));
        assert_eq!(range(1000, "bob", text), Some((200_000, 10)));
        assert_eq!(range(1001, "dave", text), Some((400_000, 1)));
        assert_eq!(range(1002, "carol", text), None);
        assert_eq!(range(1003, "broken", text), None);
    }

    #[test]
    fn a_user_without_a_range_is_told_the_command() {
        let check = id_map(1000, "alice", "alice:100000:65536\n", "");
        assert!(check.detail.contains("/etc/subgid"), "{check:?}");
        assert!(check.remedy.expect("a remedy").ends_with(" alice"));
        assert_eq!(id_map(0, "root", "", "").status, Status::Pass);
    }

    #[test]
    fn images_take_a_range_of_their_size() {
        assert_eq!(plenty(100_000, 65_536, "alice").status, Status::Pass);
        let check = plenty(100_000, 16_000, "alice");
        assert!(check.status == Status::Caution && check.detail.contains("15000 of them"), "{check:?}");
        assert!(plenty(100_000, 1023, "alice").detail.contains("share your user id"));
    }

    #[test]
    fn no_new_privs_matters_to_users() {
        assert_eq!(no_new_privs("NoNewPrivs:\t0\n", false).status, Status::Pass);
        assert_eq!(no_new_privs("NoNewPrivs:\t1\n", false).status, Status::Caution);
        assert_eq!(no_new_privs("NoNewPrivs:\t1\n", true).status, Status::Pass);
    }
}
