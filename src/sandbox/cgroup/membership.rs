//! Which hierarchies this host has, where they are mounted, and where this process stands in each.

#![expect(clippy::disallowed_methods, reason = "the kernel's own files, which no job can write")]

use std::path::{Path, PathBuf};

use super::error::CgroupError;

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// Empty for v2, whose controllers are per directory.
    pub(super) controllers: Vec<String>,
    pub(super) mount: PathBuf,
    /// The directory this process stands in; the mount itself when its own group is outside the mount.
    pub(super) own: PathBuf,
    pub(super) unified: bool,
}

pub(super) fn read() -> Result<Vec<Hierarchy>, CgroupError> {
    let text = |file: &'static str| {
        std::fs::read_to_string(file).map_err(|source| CgroupError::Host { file, source })
    };
    Ok(parse(&text("/proc/self/mountinfo")?, &text("/proc/self/cgroup")?))
}

/// A hierarchy mounted twice counts once, at the first place it was mounted.
fn parse(mountinfo: &str, memberships: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mountinfo.lines() {
        if let Some(hierarchy) = hierarchy(line, memberships)
            && !found
                .iter()
                .any(|known| known.controllers == hierarchy.controllers && known.unified == hierarchy.unified)
        {
            found.push(hierarchy);
        }
    }
    found
}

/// See `proc_pid_mountinfo(5)`: `… ROOT MOUNT OPTIONS [OPTIONAL…] - TYPE SOURCE SUPER_OPTIONS`.
fn hierarchy(line: &str, memberships: &str) -> Option<Hierarchy> {
    let (left, right) = line.split_once(" - ")?;
    let mut left = left.split(' ').skip(3);
    let (root, mount) = (left.next()?, left.next()?);
    let mut right = right.split(' ');
    let unified = match right.next()? {
        "cgroup2" => true,
        "cgroup" => false,
        _ => return None,
    };
    let options = right.nth(1).unwrap_or_default();
    // See `cgroups(7)`: `ID:CONTROLLERS:PATH`, the controllers in the same words as the mount's options.
    let (controllers, path) = memberships.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let mine = if unified {
            controllers.is_empty()
        } else {
            controllers.split(',').all(|name| options.split(',').any(|option| option == name))
        };
        (mine && (unified || !controllers.is_empty())).then_some((controllers, path))
    })?;
    let mount = PathBuf::from(unescape(mount));
    // In a container the mount shows a part of the tree only; `..` or a foreign path means to stand outside it.
    let own = Path::new(path).strip_prefix(unescape(root)).unwrap_or(Path::new(""));
    let inside = !path.starts_with("/..");
    Some(Hierarchy {
        controllers: controllers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        own: if inside { mount.join(own) } else { mount.clone() },
        mount,
        unified,
    })
}

/// mountinfo writes blanks and backslashes as three octal digits.
fn unescape(field: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(field.to_owned(), |text, (code, plain)| text.replace(code, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v2_alone() {
        let mounts = "25 19 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let found = parse(mounts, "0::/user.slice/user-1000.slice/session-3.scope\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].unified && found[0].controllers.is_empty());
        assert_eq!(found[0].own, Path::new("/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope"));
    }

    #[test]
    fn co_mounted_v1_controllers_are_one_hierarchy() {
        let mounts = "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                      31 25 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
                      32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
        let found = parse(mounts, "3:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/c\n");
        assert_eq!(found[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(found[0].own, Path::new("/sys/fs/cgroup/cpu,cpuacct/a"));
        assert_eq!(found[2].own, Path::new("/sys/fs/cgroup/unified/c"));
    }

    #[test]
    fn a_container_sees_a_part_of_the_tree() {
        let mounts = "30 25 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        assert_eq!(parse(mounts, "3:memory:/docker/abc/x\n")[0].own, Path::new("/sys/fs/cgroup/memory/x"));
        assert_eq!(parse(mounts, "3:memory:/elsewhere\n")[0].own, Path::new("/sys/fs/cgroup/memory"));
        let namespaced = "30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        assert_eq!(parse(namespaced, "0::/../other\n")[0].own, Path::new("/sys/fs/cgroup"));
    }
}
