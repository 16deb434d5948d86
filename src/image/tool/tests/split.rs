//! Archives of blobs.

use std::fs;

use super::super::{Caps, Refusal, Task, Told};
use super::lab::{CAPS, Lab, Tar, ask, file, gzip, header, open};

fn split(lab: &Lab, archive: &[u8], caps: Caps) -> Result<Vec<(String, String)>, Refusal> {
    let _ = fs::remove_dir_all(lab.tree());
    fs::create_dir(lab.tree()).expect("a folder");
    let mut told = ask(&Task::Split { caps }, vec![file(archive), open(&lab.tree())]);
    match told.pop().expect("an answer") {
        Told::Split => (),
        Told::Refused { code, .. } => return Err(code),
        other => panic!("{other:?}"),
    }
    Ok(told
        .into_iter()
        .enumerate()
        .map(|(n, told)| match told {
            Told::Member { name, expected } => {
                let contents = lab.text(&n.to_string());
                assert_eq!(expected.size, contents.len() as u64);
                assert!(expected.digest.starts_with("sha256:"));
                (name, contents)
            }
            other => panic!("{other:?}"),
        })
        .collect())
}

fn names(members: &[(&str, &str)]) -> Vec<(String, String)> {
    members.iter().map(|(name, contents)| ((*name).to_owned(), (*contents).to_owned())).collect()
}

#[test]
fn members_are_files_named_by_their_numbers() {
    let lab = Lab::new();
    let archive = Tar::new().dir("blobs").file("./blobs/a", "1").file("/index.json", "{}").end();
    let expected = names(&[("blobs/a", "1"), ("index.json", "{}")]);
    for archive in [archive.clone(), gzip(&archive)] {
        assert_eq!(split(&lab, &archive, CAPS), Ok(expected.clone()));
        assert_eq!(fs::read_dir(lab.tree()).expect("readable").count(), 2);
    }
}

#[test]
fn links_between_members_are_members_and_others_are_nothing() {
    let lab = Lab::new();
    let archive = Tar::new()
        .symlink("early/layer.tar", "../late/layer.tar")
        .file("late/layer.tar", "1")
        .link("hard", "late/layer.tar")
        .symlink("again", "early/layer.tar")
        .symlink("out", "../../etc/passwd")
        .symlink("absolute", "/etc/passwd")
        .symlink("circle", "circle")
        .end();
    let got = split(&lab, &archive, CAPS).expect("split");
    assert_eq!(got[0], ("late/layer.tar".into(), "1".into()));
    assert_eq!(got[1..], names(&[("early/layer.tar", "1"), ("hard", "1"), ("again", "1")]));
}

#[test]
fn names_and_sizes_are_bounded() {
    let lab = Lab::new();
    assert_eq!(split(&lab, &Tar::new().file("../x", "1").end(), CAPS), Err(Refusal::Malformed));
    let large = Tar::new().file("x", &"1".repeat(5000)).end();
    assert_eq!(split(&lab, &large, Caps { bytes: 4000, ..CAPS }), Err(Refusal::TooManyBytes));
    let short = Tar::new().raw(&mut header(b'0', b"x", b"", 5000), b"1").0;
    assert_eq!(split(&lab, &short, CAPS), Err(Refusal::Malformed));
    let many = (0..11).fold(Tar::new(), |tar, n| tar.file(&format!("f{n}"), "")).end();
    assert_eq!(split(&lab, &many, Caps { entries: 10, ..CAPS }), Err(Refusal::TooManyEntries));
}
