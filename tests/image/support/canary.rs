use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use support::Temp;

/// A folder of the host that everybody may write to: were it ever reached, nothing else would keep it as it is.
pub(crate) struct Canary {
    folder: Temp,
    before: String,
}

impl Canary {
    pub(crate) fn new() -> Self {
        // A sandbox has a /tmp of its own.
        let folder = Temp::below(Path::new("/var/tmp"));
        for name in ["hosts", "passwd", "resolv.conf", "canary"] {
            let file = folder.file(name, "root:x:0:0:canary:/:/bin/sh\n");
            open(&file, 0o666);
        }
        for name in ["inner", "self", "null", "net"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a new folder");
            open(&path, 0o777);
        }
        open(folder.path(), 0o777);
        let before = state(folder.path());
        Self { folder, before }
    }

    pub(crate) fn path(&self) -> &str {
        self.folder.path().to_str().expect("text")
    }

    pub(crate) fn is_untouched(&self, by: &str) {
        let now = state(self.folder.path());
        assert!(now == self.before, "touched by {by}: {}, now {now}", self.before);
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("an own file");
}

/// Names, kinds, modes, owners, times and contents: reading alone is no change.
fn state(folder: &Path) -> String {
    let mut lines = String::new();
    describe(folder, &mut lines);
    lines
}

fn describe(path: &Path, lines: &mut String) {
    let data = path.symlink_metadata().expect("it is there");
    let content = if data.is_file() { fs::read(path).expect("an own file") } else { Vec::new() };
    let hash = Sha256::digest(content);
    let hash = hash.iter().take(8).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let (mode, user, group) = (data.mode(), data.uid(), data.gid());
    let changed = (data.ctime(), data.ctime_nsec());
    writeln!(lines, "{} {mode:o} {user} {group} {changed:?} {hash}", path.display()).expect("memory");
    if data.is_dir() {
        let entries = fs::read_dir(path).expect("an own folder");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        names.sort();
        for name in names {
            describe(&name, lines);
        }
    }
}
