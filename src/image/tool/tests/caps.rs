//! Archives that are too much.

use std::io::{Read, Write};

use super::super::{Caps, Refusal};
use super::lab::{CAPS, Lab, Tar, gzip, header, zstd};

fn refused(lab: &Lab, archive: &[u8], caps: Caps) -> Refusal {
    lab.unpack_as(archive, None, None, caps).expect_err("refused").0
}

#[test]
fn bytes_are_counted_as_they_come_out() {
    let lab = Lab::new();
    let archive = Tar::new().file("a", &"x".repeat(100_000)).end();
    let caps = Caps { bytes: 50_000, ..CAPS };
    assert_eq!(refused(&lab, &archive, caps), Refusal::TooManyBytes);
    assert_eq!(refused(&lab, &gzip(&archive), caps), Refusal::TooManyBytes);
    assert_eq!(refused(&lab, &zstd(&archive), caps), Refusal::TooManyBytes);
    let exact = Caps { bytes: archive.len() as u64, ..CAPS };
    assert!(lab.unpack_as(&archive, None, None, exact).is_ok());
}

#[test]
fn what_follows_the_last_entry_counts_too() {
    let lab = Lab::new();
    let mut archive = Tar::new().file("a", "x").end();
    archive.resize(1 << 20, 0);
    assert_eq!(refused(&lab, &archive, Caps { bytes: 1 << 19, ..CAPS }), Refusal::TooManyBytes);
    assert!(lab.unpack(&archive).is_ok());
}

#[test]
fn entries_count_with_the_headers_that_describe_them() {
    let lab = Lab::new();
    let caps = Caps { entries: 100, ..CAPS };
    let many = (0..101).fold(Tar::new(), |archive, n| archive.file(&format!("f{n}"), "")).end();
    assert_eq!(refused(&lab, &many, caps), Refusal::TooManyEntries);
    let same = (0..101).fold(Tar::new(), |archive, _| archive.file("f", "")).end();
    assert_eq!(refused(&lab, &same, caps), Refusal::TooManyEntries);
    let comments = (0..101).fold(Tar::new(), |archive, _| archive.entry(b'g', b"g", b"", b"")).end();
    assert_eq!(refused(&lab, &comments, caps), Refusal::TooManyEntries);
}

#[test]
fn paths_are_bounded_in_every_form() {
    let lab = Lab::new();
    let long = "d/".repeat(30) + &"x".repeat(200);
    let caps = Caps { path_bytes: 250, ..CAPS };
    let gnu = |path: &[u8]| Tar::new().entry(b'L', b"././@LongLink", b"", path).file("x", "1").end();
    assert_eq!(refused(&lab, &gnu(long.as_bytes()), caps), Refusal::PathTooLong);
    assert!(lab.unpack(&gnu(long.as_bytes())).is_ok());
    let pax = Tar::new().pax(&[("path", long.as_bytes())]).file("x", "1").end();
    assert_eq!(refused(&lab, &pax, caps), Refusal::PathTooLong);
    let target = Tar::new().pax(&[("linkpath", long.as_bytes())]).symlink("x", "y").end();
    assert_eq!(refused(&lab, &target, caps), Refusal::PathTooLong);
    let name = "x".repeat(256);
    let component = Tar::new().pax(&[("path", name.as_bytes())]).file("x", "1").end();
    assert_eq!(lab.refusal(&component), Refusal::PathTooLong);
}

#[test]
fn a_long_name_that_claims_gigabytes_is_refused_before_it_is_read() {
    let lab = Lab::new();
    for kind in [b'L', b'K'] {
        let claim = Tar::new().raw(&mut header(kind, b"././@LongLink", b"", 8 << 30), b"").end();
        assert_eq!(lab.refusal(&claim), Refusal::PathTooLong);
    }
    for kind in [b'x', b'g'] {
        let claim = Tar::new().raw(&mut header(kind, b"x", b"", 8 << 30), b"").end();
        assert_eq!(lab.refusal(&claim), Refusal::Malformed);
    }
}

#[test]
fn depth_is_bounded_also_where_links_add_to_it() {
    let lab = Lab::new();
    let deep = "d/".repeat(65);
    assert_eq!(lab.refusal(&Tar::new().pax(&[("path", deep.as_bytes())]).dir("x").end()), Refusal::TooDeep);
    let half = "d/".repeat(40);
    let linked = Tar::new()
        .pax(&[("linkpath", half.as_bytes())])
        .symlink("l", "x")
        .pax(&[("path", format!("l/{half}x").as_bytes())])
        .file("x", "1")
        .end();
    assert_eq!(lab.refusal(&linked), Refusal::TooDeep);
}

#[test]
fn attributes_are_bounded() {
    let lab = Lab::new();
    let large = vec![b'v'; 70 << 10];
    let archive = Tar::new().pax(&[("SCHILY.xattr.user.a", &large)]).file("x", "1").end();
    assert_eq!(lab.refusal(&archive), Refusal::Malformed);
    let name = format!("SCHILY.xattr.user.{}", "n".repeat(300));
    let archive = Tar::new().pax(&[(&name, b"v")]).file("x", "1").end();
    assert_eq!(lab.refusal(&archive), Refusal::Malformed);
    // More than some filesystems keep beside an inode, and less than xattr(7) allows: the file arrives.
    let archive = Tar::new().pax(&[("SCHILY.xattr.user.a", &large[..60 << 10])]).file("x", "1").end();
    assert!(lab.unpack(&archive).is_ok());
}

/// 10 GiB of zeroes, and a second one whose first 64 MiB are honest.
#[test]
fn bombs_stop_soon_after_they_begin_to_explode() {
    let lab = Lab::new();
    let size = 10 << 30;
    let caps = Caps { bytes: 64 << 30, ..CAPS };
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = header(b'0', b"zeroes", b"", size);
    archive.set_cksum();
    bomb.write_all(archive.as_bytes()).expect("memory");
    std::io::copy(&mut std::io::repeat(0).take(256 << 20), &mut bomb).expect("memory");
    let bomb = bomb.finish().expect("memory");
    assert_eq!(refused(&lab, &bomb, caps), Refusal::Ratio);
    let written = lab.stat("zeroes").len();
    assert!(written < 66 << 20, "{written}");
}

#[test]
fn holes_count_as_if_they_were_there() {
    let lab = Lab::new();
    for size in ["1152921504606846976", "300000000"] {
        let archive = Tar::new()
            .pax(&[
                ("GNU.sparse.major", b"0"),
                ("GNU.sparse.minor", b"1"),
                ("GNU.sparse.map", b"0,1"),
                ("GNU.sparse.size", size.as_bytes()),
            ])
            .file("x", "1")
            .end();
        assert_eq!(lab.refusal(&archive), Refusal::TooManyBytes);
    }
}
