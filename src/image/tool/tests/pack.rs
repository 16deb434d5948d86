//! From a tree to a layer, and back.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use nix::sys::stat::{Mode, SFlag, mknod};
use nix::unistd::mkfifo;
use rustix::fs::{XattrFlags, setxattr};
use sandbox::ImageIds;

use super::super::{Caps, Expected, Refusal, Task, Told};
use super::lab::{CAPS, Lab, ask_with, ids, open};

struct Packed {
    blob: Vec<u8>,
    expected: Expected,
    diff_id: String,
    skipped: u64,
}

impl Packed {
    /// Path to (kind, owner, size), as another reader of tars sees them.
    fn entries(&self) -> BTreeMap<String, (u8, u64, u64)> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&self.blob[..]));
        let entries = archive.entries().expect("a tar").map(|entry| {
            let entry = entry.expect("an entry");
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let header = entry.header();
            (path, (header.entry_type().as_byte(), header.uid().expect("an owner"), entry.size()))
        });
        entries.collect()
    }
}

fn pack_as(lab: &Lab, workspace: bool, user: u32, caps: Caps, ids: ImageIds) -> Result<Packed, Refusal> {
    let path = lab.folder.join("layer");
    let out = fs::File::create(&path).expect("a file");
    let mut fds = vec![open(&lab.tree()), out.into()];
    if workspace {
        fds.push(open(&lab.folder.join("workspace")));
    }
    match ask_with(&Task::Pack { user, caps }, fds, ids).pop().expect("an answer") {
        Told::Packed { blob: expected, diff_id, skipped, .. } => {
            let blob = fs::read(&path).expect("readable");
            Ok(Packed { blob, expected, diff_id, skipped })
        }
        Told::Refused { code, .. } => Err(code),
        other => panic!("{other:?}"),
    }
}

fn pack(lab: &Lab) -> Packed {
    pack_as(lab, false, 0, CAPS, ids()).expect("packed")
}

fn write(lab: &Lab, path: &str, contents: &str) {
    let path = lab.tree().join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
    fs::write(path, contents).expect("a file");
}

fn whiteout(path: &Path) {
    mknod(path, SFlag::S_IFCHR, Mode::empty(), 0).expect("a whiteout");
}

#[test]
fn what_was_packed_unpacks_to_the_same_tree() {
    let lab = Lab::new();
    write(&lab, "etc/app/config", "a=b");
    write(&lab, &format!("{}/deep", "long-name/".repeat(15)), "x");
    write(&lab, "odd\nname", "x");
    fs::hard_link(lab.tree().join("etc/app/config"), lab.tree().join("etc/linked")).expect("a link");
    symlink("/etc/app", lab.tree().join("etc/symlink")).expect("a link");
    symlink("t".repeat(300), lab.tree().join("etc/far")).expect("a link");
    fs::set_permissions(lab.tree().join("odd\nname"), PermissionsExt::from_mode(0o4711)).expect("ours");
    fs::create_dir(lab.tree().join("data")).expect("the mount point of a volume");
    setxattr(lab.tree().join("etc"), c"user.overlay.opaque", b"y", XattrFlags::empty())
        .expect("an attribute");
    setxattr(lab.tree().join("etc"), c"user.mine", b"a\nb", XattrFlags::empty()).expect("an attribute");
    setxattr(lab.tree().join("etc"), c"user.overlay.origin", b"z", XattrFlags::empty())
        .expect("an attribute");
    whiteout(&lab.tree().join("gone"));
    whiteout(&lab.tree().join("etc/gone"));
    let state = |lab: &Lab| -> BTreeMap<String, String> {
        let about = |(path, text): (std::path::PathBuf, String)| {
            let path = path.strip_prefix(lab.tree()).expect("below").to_string_lossy().into_owned();
            let stat = lab.stat(&path);
            let opaque = lab.is_opaque(&path);
            let mine = lab.attribute(&path, "user.mine");
            // The size of a directory and the time of its change are the disk's own.
            let contents = text.rsplit_once(" [").map(|parts| parts.1.to_owned());
            // A whiteout is no more than its name.
            let mtime = if stat.file_type().is_char_device() {
                0
            } else {
                stat.mtime() * 1_000_000_000 + stat.mtime_nsec()
            };
            let times = (mtime, stat.nlink());
            (path, format!("{:o} {} {times:?} {opaque} {mine:?} {contents:?}", stat.mode(), stat.uid()))
        };
        super::lab::seen(&lab.tree()).into_iter().map(about).collect()
    };
    let before = state(&lab);
    let packed = pack(&lab);
    assert_eq!(packed.skipped, 0);
    let unpacked = lab
        .unpack_as(&packed.blob, Some(packed.expected.clone()), Some(packed.diff_id.clone()), CAPS)
        .expect("unpacked");
    assert_eq!(unpacked.blob, packed.expected);
    assert_eq!(state(&lab), before);
    assert_eq!(lab.attribute("etc", "user.overlay.origin"), None);
    assert!(lab.is_whiteout("gone") && lab.is_whiteout("etc/gone") && lab.is_opaque("etc"));
    assert_eq!(pack(&lab).expected, packed.expected, "the same tree makes the same bytes");
}

#[test]
fn what_belongs_to_the_sandbox_stays_out() {
    let lab = Lab::new();
    for path in
        ["proc/x", "dev/x", "sys/x", "tmp/x", "workspace/x", "etc/hosts", "etc/hostname", "etc/resolv.conf"]
    {
        write(&lab, path, "x");
    }
    for path in ["etc/hosts.d/x", "etc/passwd", "home/tmp/x", "var/proc"] {
        write(&lab, path, "x");
    }
    let entries = pack(&lab).entries();
    let names: Vec<&str> = entries.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "./",
            "etc/",
            "etc/hosts.d/",
            "etc/hosts.d/x",
            "etc/passwd",
            "home/",
            "home/tmp/",
            "home/tmp/x",
            "var/",
            "var/proc"
        ]
    );
}

#[test]
fn the_workspace_comes_only_when_it_is_handed_over() {
    let lab = Lab::new();
    fs::create_dir(lab.folder.join("workspace")).expect("a folder");
    fs::write(lab.folder.join("workspace/result"), "x").expect("a file");
    whiteout(&lab.folder.join("workspace/device"));
    assert!(!pack(&lab).entries().keys().any(|path| path.starts_with("workspace")));
    let packed = pack_as(&lab, true, 1000, CAPS, ids()).expect("packed");
    let entries = packed.entries();
    assert_eq!(entries.get("workspace/result"), Some(&(b'0', 1000, 1)));
    assert_eq!(entries.get("workspace/"), Some(&(b'5', 1000, 0)));
    assert_eq!(packed.skipped, 1, "a device is no whiteout where there is no layer below");
}

#[test]
fn owners_are_told_by_the_ids_of_images() {
    let lab = Lab::new();
    write(&lab, "a", "x");
    let single = pack_as(&lab, false, 70_000_000, CAPS, ids()).expect("packed");
    let text = {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&single.blob[..]).read_to_end(&mut text).expect("gzip");
        String::from_utf8_lossy(&text).into_owned()
    };
    assert!(text.contains("16 uid=70000000\n"), "beyond what a header's digits hold");
    assert_eq!(single.entries()["./"].1, 0);
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let range = ImageIds { first: 5000, count: 65_535 };
    for (owner, id) in [(5000, 0), (5033, 33), (4999, 65_534), (0, 65_534), (5000 + 65_534, 65_534)] {
        std::os::unix::fs::lchown(lab.tree().join("a"), Some(owner), Some(owner)).expect("root may");
        let packed = pack_as(&lab, false, 7, CAPS, range).expect("packed");
        assert_eq!(packed.entries()["a"].1, id, "{owner}");
    }
}

#[test]
fn what_no_layer_can_hold_is_left_out_and_counted() {
    let lab = Lab::new();
    mkfifo(&lab.tree().join("fifo"), Mode::S_IRWXU).expect("a fifo");
    let _listener = UnixListener::bind(lab.tree().join("socket")).expect("a socket");
    assert!(lab.stat("socket").file_type().is_socket());
    for name in [".wh.passwd", ".wh..wh..opq", ".wh.."] {
        write(&lab, name, "x");
    }
    fs::create_dir(lab.tree().join(".wh.folder")).expect("a folder");
    symlink("x", lab.tree().join(".wh.link")).expect("a link");
    let packed = pack(&lab);
    assert_eq!(packed.skipped, 7);
    assert_eq!(packed.entries().len(), 1);
}

#[test]
fn sizes_depths_and_numbers_are_bounded() {
    let lab = Lab::new();
    let refused = |caps: Caps| pack_as(&lab, false, 0, caps, ids()).err();
    fs::File::create(lab.tree().join("hole")).expect("a file").set_len(1 << 43).expect("a hole");
    let start = std::time::Instant::now();
    assert_eq!(refused(Caps { bytes: 1 << 40, ..CAPS }), Some(Refusal::TooManyBytes));
    assert!(start.elapsed().as_secs() < 5, "it is not read");
    fs::remove_file(lab.tree().join("hole")).expect("ours");
    fs::File::create(lab.tree().join("zeroes")).expect("a file").set_len(80 << 20).expect("a hole");
    assert_eq!(refused(CAPS), Some(Refusal::Ratio));
    fs::remove_file(lab.tree().join("zeroes")).expect("ours");
    for n in 0..20 {
        write(&lab, &format!("many/{n}"), "");
    }
    assert_eq!(refused(Caps { entries: 20, ..CAPS }), Some(Refusal::TooManyEntries));
    assert_eq!(refused(Caps { entries: 22, ..CAPS }), None);
    write(&lab, &format!("{}x", "d/".repeat(10)), "");
    assert_eq!(refused(Caps { depth: 11, ..CAPS }), None);
    assert_eq!(refused(Caps { depth: 10, ..CAPS }), Some(Refusal::TooDeep));
    assert_eq!(refused(Caps { path_bytes: 22, ..CAPS }), None);
    assert_eq!(refused(Caps { path_bytes: 20, ..CAPS }), Some(Refusal::PathTooLong));
}
