//! Headers that lie, repeat themselves, or can be read in two ways.

use std::os::unix::ffi::OsStrExt;

use super::super::Refusal;
use super::lab::{Lab, Tar, gzip, header, zstd};

/// CVE-2025-62518: a reader that believes the header skips nothing, and takes the contents for entries.
#[test]
fn the_size_of_an_extended_header_is_the_one_that_counts() {
    let lab = Lab::new();
    let hidden = Tar::new().file("smuggled", "x").end();
    let mut lying = header(b'0', b"carrier", b"", 0);
    let archive = Tar::new()
        .pax(&[("size", hidden.len().to_string().as_bytes())])
        .raw(&mut lying, &hidden)
        .file("after", "y")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert!(!lab.has("smuggled") && lab.has("after"));
    assert_eq!(lab.stat("carrier").len(), hidden.len() as u64);
    // The other way round: the header says more than the extended one.
    let archive = Tar::new()
        .pax(&[("size", b"0")])
        .raw(&mut header(b'0', b"carrier", b"", 512), b"")
        .file("shown", "x")
        .end();
    lab.unpack(&archive).expect("unpacked");
    assert!(lab.has("shown"));
    assert_eq!(lab.stat("carrier").len(), 0);
}

#[test]
fn links_and_directories_have_no_contents_whatever_they_claim() {
    let lab = Lab::new();
    for kind in [b'5', b'2', b'6'] {
        let archive = Tar::new().raw(&mut header(kind, b"claims", b"t", 512), b"").file("next", "x").end();
        lab.unpack(&archive).expect("unpacked");
        assert_eq!(lab.text("next"), "x");
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let lab = Lab::new();
    let sizes: [&[u8; 12]; 6] = [
        b"-0000000001\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x80\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff",
        b"0x000000100\0",
        b"00000000008\0",
    ];
    for size in sizes {
        let mut header = header(b'0', b"x", b"", 0);
        header.as_old_mut().size = *size;
        let code = lab.refusal(&Tar::new().raw(&mut header, b"").end());
        assert_eq!(code, Refusal::Malformed, "{}", size.escape_ascii());
    }
    for (key, value) in [
        ("size", "-1"),
        ("size", "+1"),
        ("size", "18446744073709551616"),
        ("size", "99999999999999999999999999"),
        ("uid", "4294967296"),
        ("gid", "-1"),
        ("mtime", "1e5"),
        ("mtime", "1.2.3"),
    ] {
        let archive = Tar::new().pax(&[(key, value.as_bytes())]).file("x", "").end();
        assert_eq!(lab.refusal(&archive), Refusal::Malformed, "{key}={value}");
    }
}

#[test]
fn sizes_beyond_the_archive_end_it() {
    let lab = Lab::new();
    let mut large = header(b'0', b"x", b"", 0);
    large.as_old_mut().size = *b"77777777777\0";
    assert_eq!(lab.refusal(&Tar::new().raw(&mut large, b"short").end()), Refusal::Malformed);
    let pax = Tar::new().pax(&[("size", b"9223372036854775807")]).file("x", "short").end();
    assert_eq!(lab.refusal(&pax), Refusal::Malformed);
    let pax = Tar::new().pax(&[("size", b"18446744073709551615")]).entry(b'V', b"x", b"", b"").end();
    assert_eq!(lab.refusal(&pax), Refusal::Malformed);
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    let lab = Lab::new();
    let long = |archive: Tar| archive.entry(b'L', b"././@LongLink", b"", b"long\0");
    let archives = [
        long(long(Tar::new())).file("x", ""),
        long(Tar::new()).pax(&[("path", b"other")]).file("x", ""),
        Tar::new().pax(&[("path", b"a")]).pax(&[("path", b"b")]).file("x", ""),
        Tar::new().entry(b'L', b"././@LongLink", b"", b"long\0er").file("x", ""),
        Tar::new().pax(&[("path", b"a\0b")]).file("x", ""),
        Tar::new().pax(&[("linkpath", b"a\0b")]).symlink("x", "y"),
        // Headers of nothing.
        long(Tar::new()),
        Tar::new().pax(&[("path", b"a")]),
    ];
    for (n, archive) in archives.into_iter().enumerate() {
        assert_eq!(lab.refusal(&archive.end()), Refusal::Malformed, "{n}");
    }
}

#[test]
fn broken_records_of_an_extended_header_are_refused() {
    let lab = Lab::new();
    for text in [
        "x path=a\n",
        "9 path=a",
        "99 path=a\n",
        "0 path=a\n",
        "2 ",
        "10 path=ab\n\n",
        "9 pathab\n",
        " 9 path=a\n",
        "6 =ab\n",
        "-9 path=a\n",
        "9 path=a\n7",
        "99999999999999999999999 path=a\n",
        "\0",
    ] {
        let archive = Tar::new().entry(b'x', b"x", b"", text.as_bytes()).file("f", "").end();
        assert_eq!(lab.refusal(&archive), Refusal::Malformed, "{text:?}");
    }
    let empty = Tar::new().entry(b'x', b"x", b"", b"").file("f", "").end();
    assert!(lab.unpack(&empty).is_ok());
}

#[test]
fn names_are_bytes() {
    let lab = Lab::new();
    let names: [&[u8]; 4] = [b"new\nline", b"\xff\xfe", b"\x1b[31m", b" "];
    for name in names {
        lab.unpack(&Tar::new().entry(b'0', name, b"", b"x").end()).expect("unpacked");
        assert!(lab.tree().join(std::ffi::OsStr::from_bytes(name)).is_file());
        lab.unpack(&Tar::new().pax(&[("path", name)]).file("other", "x").end()).expect("unpacked");
        assert!(lab.tree().join(std::ffi::OsStr::from_bytes(name)).is_file());
    }
    let (_, detail) =
        lab.unpack(&Tar::new().entry(b'0', b"\x1b[31m\n/../", b"", b"").end()).expect_err("refused");
    assert!(!detail.contains('\x1b') && !detail.contains('\n'), "{detail}");
}

#[test]
fn archives_that_are_none_or_damaged_are_refused() {
    let lab = Lab::new();
    let whole = Tar::new().file("a", &"x".repeat(2000)).end();
    for blob in
        [&b"#!/bin/sh\n"[..], &[0xff; 600], &[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd], b"\x1f\x8b\x08rubbish"]
    {
        assert_eq!(lab.refusal(blob), Refusal::Malformed, "{blob:?}");
    }
    for length in [100, 512, 513, 1024, 2511] {
        let code = lab.refusal(&whole[..length]);
        assert_eq!(code, Refusal::Malformed, "{length}");
        assert_eq!(lab.refusal(&gzip(&whole[..length])), Refusal::Malformed, "{length}");
    }
    for (blob, name) in [(gzip(&whole), "gzip"), (zstd(&whole), "zstd")] {
        for length in [3, 12, blob.len() - 9, blob.len() - 1] {
            assert_eq!(lab.refusal(&blob[..length]), Refusal::Malformed, "{name} {length}");
        }
        let trailing = [&blob[..], b"garbage"].concat();
        assert_eq!(lab.refusal(&trailing), Refusal::Malformed, "{name}");
    }
    let mut flipped = whole.clone();
    flipped[0] = b'b';
    assert_eq!(lab.refusal(&flipped), Refusal::Malformed, "the checksum");
    let mut amid = vec![0; 512];
    amid.extend_from_slice(&whole);
    assert_eq!(lab.refusal(&amid), Refusal::Malformed);
    assert!(lab.unpack(b"").is_ok() && lab.unpack(&[0; 1024]).is_ok(), "a layer without changes");
}

#[test]
fn sparse_files_of_every_form_arrive() {
    let lab = Lab::new();
    let check = |archive: Tar| {
        lab.unpack(&archive.file("after", "y").end()).expect("unpacked");
        let contents = std::fs::read(lab.tree().join("holes")).expect("there");
        assert_eq!(contents.len(), 1_000_000);
        assert_eq!((&contents[..3], &contents[500_000..500_003]), (&b"abc"[..], &b"def"[..]));
        assert!(contents[3..500_000].iter().chain(&contents[500_003..]).all(|byte| *byte == 0));
        assert!(lab.has("after"));
    };
    let mut old = tar::Header::new_gnu();
    old.set_entry_type(tar::EntryType::GNUSparse);
    old.set_path("holes").expect("short");
    old.set_size(6);
    old.set_mode(0o644);
    let gnu = old.as_gnu_mut().expect("gnu");
    gnu.realsize = *b"00003641100\0";
    gnu.sparse[0].offset = *b"00000000000\0";
    gnu.sparse[0].numbytes = *b"00000000003\0";
    gnu.sparse[1].offset = *b"00001720440\0";
    gnu.sparse[1].numbytes = *b"00000000003\0";
    check(Tar::new().raw(&mut old, b"abcdef"));
    let size: (&str, &[u8]) = ("GNU.sparse.size", b"1000000");
    let name: (&str, &[u8]) = ("GNU.sparse.name", b"holes");
    check(
        Tar::new()
            .pax(&[
                size,
                ("GNU.sparse.numblocks", b"2"),
                ("GNU.sparse.offset", b"0"),
                ("GNU.sparse.numbytes", b"3"),
                ("GNU.sparse.offset", b"500000"),
                ("GNU.sparse.numbytes", b"3"),
            ])
            .file("holes", "abcdef"),
    );
    check(Tar::new().pax(&[size, name, ("GNU.sparse.map", b"0,3,500000,3")]).file("x", "abcdef"));
    let mut ahead = b"2\n0\n3\n500000\n3\n".to_vec();
    ahead.resize(512, 0);
    ahead.extend_from_slice(b"abcdef");
    check(
        Tar::new()
            .pax(&[
                ("GNU.sparse.major", b"1"),
                ("GNU.sparse.minor", b"0"),
                ("GNU.sparse.realsize", b"1000000"),
                name,
            ])
            .entry(b'0', b"x", b"", &ahead),
    );
}

#[test]
fn sparse_maps_that_lie_are_refused() {
    let lab = Lab::new();
    for map in [
        "0,7",
        "0,3,2,3",
        "5,3,0,3",
        "0,18446744073709551615",
        "18446744073709551615,6",
        "0",
        "a,b",
        "",
        "99,6",
    ] {
        let records: [(&str, &[u8]); 2] = [("GNU.sparse.size", b"100"), ("GNU.sparse.map", map.as_bytes())];
        let archive = Tar::new().pax(&records).file("x", "abcdef").end();
        assert_eq!(lab.refusal(&archive), Refusal::Malformed, "{map}");
    }
    for start in ["9999999999\n", "70000\n", "1\n0\n", "x\n", "\n"] {
        let mut contents = start.as_bytes().to_vec();
        contents.resize(512, b'\n');
        let records: [(&str, &[u8]); 3] =
            [("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.realsize", b"9")];
        let archive = Tar::new().pax(&records).entry(b'0', b"x", b"", &contents).end();
        assert_eq!(lab.refusal(&archive), Refusal::Malformed, "{start:?}");
    }
    let version: [(&str, &[u8]); 2] = [("GNU.sparse.major", b"2"), ("GNU.sparse.realsize", b"9")];
    assert_eq!(lab.refusal(&Tar::new().pax(&version).file("x", "").end()), Refusal::Malformed);
}

/// Hundreds of damaged archives: none may panic, hang, or reach outside.
#[test]
fn damage_anywhere_is_harmless() {
    let lab = Lab::new();
    let whole = Tar::new()
        .dir("d")
        .pax(&[("path", b"d/long"), ("mtime", b"1.5"), ("SCHILY.xattr.user.a", b"b")])
        .file("x", "contents")
        .symlink("s", "../../outside")
        .link("h", "d/long")
        .file("s/.wh.secret", "")
        .end();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    for _ in 0..400 {
        let mut damaged = whole.clone();
        for _ in 0..=random(6) {
            let at = random(damaged.len());
            damaged[at] = u8::try_from(random(256)).expect("a byte");
        }
        for block in damaged.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
            let mut header = tar::Header::new_old();
            header.as_mut_bytes().copy_from_slice(block);
            header.set_cksum();
            block.copy_from_slice(header.as_bytes());
        }
        let _ = lab.unpack(&damaged);
    }
}
