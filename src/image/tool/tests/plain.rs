//! What honest archives hold arrives as it is.

use std::os::unix::fs::MetadataExt;

use super::super::Refusal;
use super::lab::{Lab, Tar, gzip, zstd};

#[test]
fn files_directories_and_links_arrive() {
    let lab = Lab::new();
    let archive = Tar::new()
        .dir("./")
        .dir("etc/")
        .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
        .symlink("etc/mtab", "/proc/mounts")
        .link("etc/again", "etc/passwd")
        .file("deep/er/file", "contents")
        .end();
    let unpacked = lab.unpack(&archive).expect("unpacked");
    assert_eq!(lab.text("etc/passwd"), "root:x:0:0::/:/bin/sh\n");
    assert_eq!(lab.text("deep/er/file"), "contents");
    assert_eq!(lab.stat("etc/again").ino(), lab.stat("etc/passwd").ino());
    assert_eq!(lab.stat("etc/mtab").mtime(), 1_700_000_000);
    assert_eq!(lab.stat("etc").mtime(), 1_700_000_000);
    assert_eq!(lab.stat("etc").mode(), 0o040_755);
    assert_eq!(lab.stat("deep").mtime(), 0, "made on the way");
    assert_eq!((unpacked.entries, unpacked.skipped), (7, 0));
    assert_eq!(unpacked.passwd.as_deref(), Some("root:x:0:0::/:/bin/sh\n"));
    assert_eq!(unpacked.group, None);
}

#[test]
fn compression_is_recognised_and_what_was_promised_is_checked() {
    let lab = Lab::new();
    let archive = Tar::new().file("a", &"x".repeat(100_000)).end();
    let plain = lab.unpack(&archive).expect("plain");
    assert_eq!(plain.blob.digest, plain.diff_id);
    let mut members = gzip(&archive[..700]);
    members.extend(gzip(&archive[700..]));
    let mut frames = zstd(&archive[..700]);
    // A skippable frame between two (RFC 8878, 3.1.2).
    frames.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    frames.extend(zstd(&archive[700..]));
    for blob in [&gzip(&archive), &members, &frames] {
        let unpacked = lab.unpack(blob).expect("unpacked");
        assert_eq!(unpacked.diff_id, plain.diff_id);
        assert_eq!(unpacked.blob.size, blob.len() as u64);
        assert_eq!(lab.text("a").len(), 100_000);
        let caps = super::lab::CAPS;
        let code =
            |expected, diff_id| lab.unpack_as(blob, expected, diff_id, caps).map_err(|refused| refused.0);
        let (right, diff_id) = (unpacked.blob.clone(), Some(plain.diff_id.clone()));
        assert!(code(Some(right.clone()), diff_id.clone()).is_ok());
        let mut wrong = right.clone();
        wrong.digest = plain.blob.digest.clone();
        assert_eq!(code(Some(wrong), diff_id.clone()), Err(Refusal::Digest));
        for size in [right.size - 1, right.size + 1, 0] {
            let mut wrong = right.clone();
            wrong.size = size;
            assert_eq!(code(Some(wrong), diff_id.clone()), Err(Refusal::Size));
        }
        assert_eq!(code(Some(right.clone()), Some(right.digest)), Err(Refusal::DiffId));
    }
}

#[test]
fn an_archive_may_end_before_the_padding_of_its_last_entry_but_not_within_it() {
    let lab = Lab::new();
    let archive = Tar::new().file("a", "1").file("b", "22").end();
    // Two headers, two blocks of contents, two of the end: only `22` of the last block is left.
    let bare = &archive[..archive.len() - 1024 - 510];
    assert_eq!(lab.unpack(bare).expect("whole").entries, 2);
    assert_eq!(lab.text("b"), "22");
    assert_eq!(lab.refusal(&bare[..bare.len() - 1]), Refusal::Malformed);
}
