use std::fs;
use std::path::Path;

use super::{NewArgs, new, next_steps};
use crate::policy::project::{Language, Project};
use crate::policy::testing::Folder;

fn args(name: &str, dir: &Path) -> NewArgs {
    NewArgs { name: name.into(), lang: Language::Rust, dir: Some(dir.into()) }
}

#[test]
fn a_project_can_be_loaded_and_has_its_name() {
    let folder = Folder::new();
    let dir = folder.path().join("new/one");
    new(&args("speed-limit", &dir)).expect("made");
    let project = Project::load(&dir).expect("a project");
    assert_eq!((project.metadata.name.as_str(), project.language), ("speed-limit", Language::Rust));
    assert!(dir.join("stockade-policy/wit/types.wit").is_file());
}

#[test]
fn nothing_is_overwritten() {
    let folder = Folder::new();
    folder.write("README.md", "mine");
    new(&args("speed-limit", folder.path())).expect_err("not empty");
    assert_eq!(fs::read_to_string(folder.path().join("README.md")).expect("there"), "mine");
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
}

#[test]
fn a_name_that_no_bundle_could_use_is_refused_before_anything_is_made() {
    let folder = Folder::new();
    let dir = folder.path().join("new");
    for name in ["Upper", "a_b", "../up", ""] {
        new(&args(name, &dir)).expect_err(name);
    }
    assert!(!dir.exists());
}

#[test]
fn the_next_commands_can_be_typed() {
    assert_eq!(next_steps("a/b-c".as_ref()), "cd a/b-c\nstockade policy build\nstockade policy test");
    assert!(next_steps("it's here".as_ref()).starts_with(r"cd 'it'\''s here'"));
}
