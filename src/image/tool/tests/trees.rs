//! Removing and measuring what somebody else has made.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, mkdirat};
use nix::unistd::mkfifo;

use super::super::{Refusal, Task, Told};
use super::lab::{Lab, ask, open as folder, seen};

fn remove(lab: &Lab, names: &[&str]) -> Told {
    let task = Task::Remove { names: names.iter().map(|name| (*name).to_owned()).collect() };
    ask(&task, vec![folder(&lab.tree())]).pop().expect("an answer")
}

fn measure(lab: &Lab) -> (u64, u64) {
    match ask(&Task::Measure, vec![folder(&lab.tree())]).pop() {
        Some(Told::Measured { bytes, entries }) => (bytes, entries),
        other => panic!("{other:?}"),
    }
}

/// `depth` directories, each in the one before: deeper than any path or recursion goes.
fn nest(lab: &Lab, depth: usize) {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    let mut at = open(&lab.tree(), flags, Mode::empty()).expect("the tree");
    for _ in 0..depth {
        mkdirat(&at, "d", Mode::S_IRWXU).expect("a directory");
        at = openat(&at, "d", flags, Mode::empty()).expect("the directory");
    }
}

#[test]
fn the_deepest_tree_is_removed_and_too_deep_to_be_measured() {
    let lab = Lab::in_memory();
    nest(&lab, 100_000);
    let told = ask(&Task::Measure, vec![folder(&lab.tree())]).pop();
    assert!(matches!(told, Some(Told::Refused { code: Refusal::TooDeep, .. })), "{told:?}");
    assert_eq!(remove(&lab, &["d"]), Told::Removed);
    assert!(!lab.has("d"));
}

#[test]
fn deep_trees_are_measured_by_few_descriptors() {
    let lab = Lab::in_memory();
    nest(&lab, 5000);
    assert_eq!(measure(&lab).1, 5000);
    fs::create_dir(lab.tree().join("d/moved-0")).expect("a name that is taken");
    assert_eq!(remove(&lab, &["d"]), Told::Removed);
    assert!(!lab.has("d"));
}

#[test]
fn wide_trees_of_full_directories_go() {
    let lab = Lab::in_memory();
    for n in 0..5000 {
        fs::create_dir_all(lab.tree().join(format!("w/{n}/inner"))).expect("a folder");
        fs::write(lab.tree().join(format!("w/{n}/file")), "x").expect("a file");
    }
    assert_eq!(measure(&lab).1, 15_001);
    assert_eq!(remove(&lab, &["w"]), Told::Removed);
    assert_eq!(fs::read_dir(lab.tree()).expect("readable").count(), 0);
}

#[test]
fn only_what_is_named_goes_and_links_are_not_followed() {
    let lab = Lab::new();
    let outside = seen(&lab.outside());
    fs::create_dir_all(lab.tree().join("gone/closed")).expect("a folder");
    fs::create_dir(lab.tree().join("stays")).expect("a folder");
    symlink(lab.outside(), lab.tree().join("gone/link")).expect("a link");
    symlink(lab.outside(), lab.tree().join("link")).expect("a link");
    fs::hard_link(lab.outside().join("secret"), lab.tree().join("gone/hard")).expect("a link");
    fs::write(lab.tree().join("gone/closed/file"), "x").expect("a file");
    fs::set_permissions(lab.tree().join("gone/closed"), PermissionsExt::from_mode(0o000)).expect("ours");
    fs::set_permissions(lab.tree().join("gone"), PermissionsExt::from_mode(0o500)).expect("ours");
    mkfifo(&lab.tree().join("gone-fifo"), Mode::S_IRUSR).expect("a fifo");
    assert_eq!(remove(&lab, &["gone", "link", "gone-fifo", "never there"]), Told::Removed);
    let left: Vec<_> =
        fs::read_dir(lab.tree()).expect("readable").map(|e| e.expect("entry").file_name()).collect();
    assert_eq!(left, ["stays"]);
    let (before, after) = (outside.keys(), seen(&lab.outside()));
    assert!(before.eq(after.keys()));
}

#[test]
fn names_that_are_paths_are_refused() {
    let lab = Lab::new();
    for name in ["", ".", "..", "../outside", "a/b", "/", "a\0b"] {
        let told = remove(&lab, &[name]);
        assert!(matches!(told, Told::Refused { code: Refusal::Malformed, .. }), "{name:?}: {told:?}");
    }
    assert!(lab.outside().join("secret").exists());
}

#[test]
fn measuring_counts_blocks_and_each_file_once() {
    let lab = Lab::new();
    assert_eq!(measure(&lab), (0, 0));
    fs::write(lab.tree().join("a"), vec![1; 1 << 20]).expect("a file");
    fs::File::open(lab.tree().join("a")).expect("there").sync_all().expect("synced");
    fs::hard_link(lab.tree().join("a"), lab.tree().join("b")).expect("a link");
    symlink(lab.outside(), lab.tree().join("out")).expect("a link");
    let hole = fs::File::create(lab.tree().join("hole")).expect("a file");
    hole.set_len(1 << 40).expect("a hole");
    let (bytes, entries) = measure(&lab);
    assert_eq!(entries, 4);
    assert!((1 << 20..(1 << 20) + (64 << 10)).contains(&bytes), "{bytes}");
    assert_eq!(fs::metadata(lab.tree().join("a")).expect("there").nlink(), 2);
}
