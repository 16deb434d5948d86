//! Archives that try to reach what is outside their tree. [`Lab::unpack`] compares the world outside before and after.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};

use super::super::Refusal;
use super::lab::{Lab, Tar};

#[test]
fn dotdot_is_refused_wherever_it_stands() {
    let lab = Lab::new();
    for path in ["../outside/new", "a/../../outside/new", "a/..", "..", "a/b/../c", "/../x", "./../x"] {
        assert_eq!(lab.refusal(&Tar::new().file(path, "x").end()), Refusal::Malformed, "{path}");
        assert_eq!(lab.refusal(&Tar::new().dir(path).end()), Refusal::Malformed, "{path}");
        assert_eq!(
            lab.refusal(&Tar::new().file("f", "x").link("l", path).end()),
            Refusal::Malformed,
            "{path}"
        );
    }
}

#[test]
fn absolute_paths_begin_at_the_root_of_the_tree() {
    let lab = Lab::new();
    let secret = lab.outside().join("secret");
    let secret = secret.to_str().expect("text");
    lab.unpack(&Tar::new().file(secret, "mine").file("//etc//./x", "y").end()).expect("unpacked");
    assert_eq!(lab.text(&secret[1..]), "mine");
    assert_eq!(lab.text("etc/x"), "y");
}

#[test]
fn writing_through_a_symlink_stays_inside() {
    let lab = Lab::new();
    let outside = lab.outside();
    let absolute = outside.to_str().expect("text");
    for target in [absolute, "../outside", "../../../../../../../../etc", "/"] {
        let archive =
            Tar::new().symlink("out", target).file("out/new", "x").dir("out/d").file("out/d/e", "y").end();
        lab.unpack(&archive).expect("unpacked");
        assert_eq!(fs::read_link(lab.tree().join("out")).expect("a link"), std::path::Path::new(target));
    }
    assert!(lab.has("new") && lab.has("d/e"), "`/` is the tree's root");
}

#[test]
fn a_symlink_takes_nobody_along_when_something_takes_its_place() {
    let lab = Lab::new();
    let secret = lab.outside().join("secret");
    let archive = Tar::new()
        .symlink("f", secret.to_str().expect("text"))
        .file("f", "mine")
        .symlink("d", lab.outside().to_str().expect("text"))
        .dir("d")
        .file("d/secret", "mine")
        .symlink("s", lab.outside().to_str().expect("text"))
        .symlink("s", "elsewhere")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert_eq!(lab.text("f"), "mine");
    assert!(lab.stat("d").is_dir() && lab.stat("f").is_file());
    assert_eq!(lab.text("d/secret"), "mine");
}

/// The directory of the last entry is remembered; it may have become a link since.
#[test]
fn a_directory_swapped_for_a_symlink_amid_the_archive_is_not_written_through() {
    let lab = Lab::new();
    let out = lab.outside();
    let archive = Tar::new()
        .file("a/b/one", "1")
        .symlink("a/b", out.to_str().expect("text"))
        .file("a/b/two", "2")
        .file("a/b/secret", "mine")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert!(lab.stat("a/b").file_type().is_symlink());
    assert_eq!(lab.text(&out.join("two").to_str().expect("text")[1..]), "2");
}

#[test]
fn hard_links_reach_files_of_the_tree_alone() {
    let lab = Lab::new();
    let secret = lab.outside().join("secret");
    let secret = secret.to_str().expect("text");
    assert_eq!(lab.refusal(&Tar::new().link("l", secret).end()), Refusal::Malformed);
    assert_eq!(lab.refusal(&Tar::new().link("l", "etc/passwd").end()), Refusal::Malformed);
    assert_eq!(lab.refusal(&Tar::new().dir("d").link("l", "d").end()), Refusal::Malformed);
    assert_eq!(lab.refusal(&Tar::new().link("l", "/").end()), Refusal::Malformed);
    assert_eq!(lab.refusal(&Tar::new().file(".wh.w", "").link("l", "w").end()), Refusal::Malformed);
    // By way of a link to outside: the link leads to the same path inside, where nothing is.
    let out = lab.outside();
    let through = Tar::new().symlink("out", out.to_str().expect("text")).link("l", "out/secret").end();
    assert_eq!(lab.refusal(&through), Refusal::Malformed);
    // A link to a symlink is one more name of the symlink; writing there replaces it.
    let archive = Tar::new().symlink("s", secret).link("l", "s").file("l", "mine").end();
    lab.unpack(&archive).expect("unpacked");
    assert_eq!(lab.text("l"), "mine");
    assert!(lab.stat("s").file_type().is_symlink());
}

#[test]
fn a_hard_link_to_itself_keeps_the_file() {
    let lab = Lab::new();
    lab.unpack(&Tar::new().file("a", "x").link("a", "a").link("./a", "/a").end()).expect("unpacked");
    assert_eq!(lab.text("a"), "x");
}

#[test]
fn writing_to_one_name_of_a_file_leaves_its_other_names() {
    let lab = Lab::new();
    lab.unpack(&Tar::new().file("a", "old").link("b", "a").file("b", "new").end()).expect("unpacked");
    assert_eq!((lab.text("a"), lab.text("b")), ("old".into(), "new".into()));
}

#[test]
fn devices_and_fifos_are_left_out_and_counted() {
    let lab = Lab::new();
    let mut archive = Tar::new();
    for (kind, name) in [(b'3', "char"), (b'4', "block"), (b'6', "fifo"), (b'V', "label")] {
        archive = archive.entry(kind, name.as_bytes(), b"", b"");
    }
    let unpacked = lab.unpack(&archive.file("file", "x").end()).expect("unpacked");
    assert_eq!((unpacked.skipped, unpacked.entries), (4, 1));
    // A file behind it is no contents of a fifo.
    lab.unpack(&Tar::new().entry(b'6', b"f", b"", b"").file("f", "x").end()).expect("unpacked");
    assert!(lab.stat("f").is_file());
}

#[test]
fn kinds_replace_each_other() {
    let lab = Lab::new();
    let archive = Tar::new()
        .file("x/y/z", "1")
        .file("x", "2")
        .file("a", "3")
        .file("b/c", "3")
        .dir("a")
        .file("a/b", "4")
        .link("b", "a/b")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert_eq!((lab.text("x"), lab.text("a/b"), lab.text("b")), ("2".into(), "4".into(), "4".into()));
    assert_eq!(lab.refusal(&Tar::new().file("x", "1").file("x/y", "2").end()), Refusal::Malformed);
    assert_eq!(lab.refusal(&Tar::new().file("./", "1").end()), Refusal::Malformed);
    assert_eq!(lab.refusal(&Tar::new().symlink(".", "x").end()), Refusal::Malformed);
}

#[test]
fn merged_directories_are_written_by_way_of_their_links() {
    let lab = Lab::new();
    let archive = Tar::new()
        .symlink("lib", "usr/lib")
        .file("lib/early", "the target is not there yet")
        .dir("usr/lib")
        .symlink("usr/lib64", "../lib/./deep")
        .file("usr/lib64/x", "1")
        .file("lib/late", "2")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert!(lab.stat("lib").file_type().is_symlink());
    assert!(lab.has("usr/lib/early") && lab.has("usr/lib/late") && lab.has("usr/lib/deep/x"));
    let circle = Tar::new().symlink("a", "b").symlink("b", "a").file("a/x", "1").end();
    assert_eq!(lab.refusal(&circle), Refusal::Malformed);
    let itself = Tar::new().symlink("a", "a/a").file("a/x", "1").end();
    assert_eq!(lab.refusal(&itself), Refusal::Malformed);
}

#[test]
fn a_place_that_has_a_tree_is_not_unpacked_into() {
    let lab = Lab::new();
    std::fs::remove_dir(lab.tree()).expect("an empty tree");
    symlink("/", lab.tree()).expect("a link");
    let task = super::super::Task::Unpack {
        compression: super::super::Compression::Plain,
        blob: None,
        diff_id: None,
        caps: super::lab::CAPS,
    };
    let archive = Tar::new().file("left/x", "1").end();
    let told = super::lab::ask(&task, vec![super::lab::file(&archive), super::lab::open(&lab.place())]);
    assert!(matches!(told[..], [super::super::Told::Refused { code: Refusal::Host, .. }]), "{told:?}");
}

#[test]
fn attributes_of_the_kernel_and_of_overlayfs_are_dropped() {
    let lab = Lab::new();
    let archive = Tar::new()
        .pax(&[
            ("SCHILY.xattr.user.kept", b"a\nb\0c"),
            ("SCHILY.xattr.user.overlay.redirect", b"/etc"),
            ("SCHILY.xattr.user.overlay.whiteout", b"y"),
            ("SCHILY.xattr.security.capability", b"\x01\0\0\x02"),
            ("SCHILY.xattr.trusted.overlay.opaque", b"y"),
            ("SCHILY.xattr.system.posix_acl_access", b"x"),
        ])
        .file("f", "x")
        .pax(&[("SCHILY.xattr.user.overlay.opaque", b"y"), ("SCHILY.xattr.user.dir", b"1")])
        .dir("d")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert_eq!(lab.attribute("f", "user.kept").as_deref(), Some(&b"a\nb\0c"[..]));
    assert_eq!(lab.attribute("d", "user.dir").as_deref(), Some(&b"1"[..]));
    for name in
        ["user.overlay.redirect", "user.overlay.whiteout", "security.capability", "trusted.overlay.opaque"]
    {
        assert_eq!(lab.attribute("f", name), None, "{name}");
    }
    assert!(!lab.is_opaque("d"));
}

#[test]
fn modes_and_times_are_set_however_odd() {
    let lab = Lab::new();
    let mut setuid = super::lab::header(b'0', b"su", b"", 1);
    setuid.set_mode(0o106_755);
    let mut closed = super::lab::header(b'5', b"closed", b"", 0);
    closed.set_mode(0);
    let archive = Tar::new()
        .raw(&mut setuid, b"x")
        .raw(&mut closed, b"")
        .file("closed/file", "x")
        .pax(&[("mtime", b"1234567890.123456789")])
        .file("pax", "x")
        .pax(&[("mtime", b"-5.5")])
        .file("before", "x")
        .pax(&[("mtime", b"9223372036854775807")])
        .file("after", "x")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert_eq!(lab.stat("su").mode(), 0o106_755);
    assert_eq!(lab.stat("closed").mode(), 0o040_000);
    assert_eq!((lab.stat("pax").mtime(), lab.stat("pax").mtime_nsec()), (1_234_567_890, 123_456_789));
    assert_eq!(lab.stat("before").mtime(), 0);
    assert!(lab.stat("after").mtime() > 1 << 32);
    fs::set_permissions(lab.tree().join("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .expect("ours");
    assert_eq!(lab.text("closed/file"), "x");
}
