//! What a layer says about those below it.

use super::super::Refusal;
use super::lab::{Lab, Tar};

#[test]
fn whiteouts_take_overlayfs_form() {
    let lab = Lab::new();
    let archive = Tar::new().file(".wh.top", "").file("a/b/.wh.gone", "").file("c/.wh..wh..opq", "").end();
    let unpacked = lab.unpack(&archive).expect("unpacked");
    assert!(lab.is_whiteout("top") && lab.is_whiteout("a/b/gone"));
    assert!(lab.is_opaque("c") && !lab.is_opaque("a") && !lab.has("c/.wh..wh..opq"));
    assert_eq!(unpacked.skipped, 0);
}

#[test]
fn what_the_layer_has_itself_is_not_hidden_by_its_whiteouts() {
    let lab = Lab::new();
    for archive in [
        Tar::new().file("f", "x").file(".wh.f", "").file("d/x", "y").file(".wh.d", ""),
        Tar::new().file(".wh.f", "").file("f", "x").file(".wh.d", "").file("d/x", "y"),
        Tar::new().file(".wh.f", "").file("f", "x").file(".wh.d", "").dir("d").file("d/x", "y"),
    ] {
        lab.unpack(&archive.end()).expect("unpacked");
        assert_eq!((lab.text("f"), lab.text("d/x")), ("x".into(), "y".into()));
        // Removed and made again: nothing of the old one shows.
        assert!(lab.is_opaque("d"));
    }
}

#[test]
fn opaque_comes_before_or_after_its_directory_and_its_contents() {
    let lab = Lab::new();
    for archive in [
        Tar::new().dir("d").file("d/x", "1").file("d/.wh..wh..opq", ""),
        Tar::new().file("d/.wh..wh..opq", "").dir("d").file("d/x", "1"),
        Tar::new().file("d/.wh..wh..opq", "").file("d/x", "1").dir("d"),
    ] {
        lab.unpack(&archive.end()).expect("unpacked");
        assert!(lab.is_opaque("d"));
        assert_eq!(lab.text("d/x"), "1");
    }
    let all = lab.unpack(&Tar::new().file(".wh..wh..opq", "").file("x", "1").end()).expect("unpacked");
    assert!(all.hides_all);
    let some = lab.unpack(&Tar::new().file("d/.wh..wh..opq", "").end()).expect("unpacked");
    assert!(!some.hides_all);
}

#[test]
fn a_directory_that_takes_the_place_of_a_file_hides_what_was_below() {
    let lab = Lab::new();
    lab.unpack(&Tar::new().file("d", "x").dir("d").file("e", "x").end()).expect("unpacked");
    assert!(lab.is_opaque("d"));
}

#[test]
fn whiteouts_of_nothing_or_of_elsewhere_are_refused() {
    let lab = Lab::new();
    for name in [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..", "a/.wh..."] {
        assert_eq!(lab.refusal(&Tar::new().file(name, "").end()), Refusal::Malformed, "{name}");
    }
    for name in ["a/../.wh.x", "../.wh.x", ".wh.x/../.."] {
        assert_eq!(lab.refusal(&Tar::new().file(name, "").end()), Refusal::Malformed, "{name}");
    }
}

#[test]
fn names_of_aufs_and_entries_below_a_whiteout_are_left_out() {
    let lab = Lab::new();
    let archive = Tar::new()
        .dir(".wh..wh.plnk")
        .file(".wh..wh.plnk/1.2", "x")
        .file(".wh..wh.aufs", "")
        .file(".wh.d/inner", "x")
        .file("f", "x")
        .end();
    let unpacked = lab.unpack(&archive).expect("unpacked");
    assert_eq!((unpacked.skipped, unpacked.entries), (4, 1));
}

#[test]
fn a_whiteout_by_way_of_a_symlink_stays_inside() {
    let lab = Lab::new();
    let outside = lab.outside();
    let outside = outside.to_str().expect("text");
    let archive = Tar::new()
        .symlink("out", outside)
        .file("out/.wh.secret", "")
        .file("out/.wh..wh..opq", "")
        .symlink("s", &format!("{outside}/secret"))
        .file(".wh.s", "")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert!(lab.is_whiteout(&format!("{}/secret", &outside[1..])));
    assert!(lab.stat("s").file_type().is_symlink());
}

#[test]
fn accounts_that_a_layer_hides_are_told_as_none() {
    let lab = Lab::new();
    let empty = Some(String::new());
    let passwd = |archive: Tar| lab.unpack(&archive.end()).expect("unpacked").passwd;
    assert_eq!(passwd(Tar::new().file("etc/other", "")), None);
    assert_eq!(passwd(Tar::new()), None);
    assert_eq!(passwd(Tar::new().file("etc/passwd", "x")), Some("x".into()));
    assert_eq!(passwd(Tar::new().file("etc/.wh.passwd", "")), empty);
    assert_eq!(passwd(Tar::new().file(".wh.etc", "")), empty);
    assert_eq!(passwd(Tar::new().file("etc/.wh..wh..opq", "")), empty);
    assert_eq!(passwd(Tar::new().file(".wh..wh..opq", "")), empty);
    assert_eq!(passwd(Tar::new().symlink("etc/passwd", "/secret").file("secret", "x")), empty);
    assert_eq!(passwd(Tar::new().file("real/passwd", "x").symlink("etc", "real")), empty);
    assert_eq!(passwd(Tar::new().dir("etc/passwd")), empty);
    assert_eq!(passwd(Tar::new().file("etc/passwd", &"x".repeat(300 << 10))), empty);
}
