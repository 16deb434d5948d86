use std::fs;

use admission::component::describe;
use admission::component::metadata::Metadata;

use super::{State, finish, replace};
use crate::policy::project::{Language, Project};
use crate::policy::testing::{self, Folder};

fn project() -> Project {
    Project { dir: "somewhere".into(), language: Language::Rust, metadata: testing::metadata() }
}

#[test]
fn a_module_becomes_a_component_with_metadata() {
    let built = finish(&project(), &testing::module("mutator")).expect("a policy");
    assert_eq!(describe(&built).expect("a policy").metadata, Some(testing::metadata()));
    assert_eq!(built, finish(&project(), &testing::module("mutator")).expect("a policy"), "the same bytes");
    assert_eq!(
        built,
        finish(&project(), &testing::component("mutator")).expect("a policy"),
        "a component is taken as it is"
    );
}

#[test]
fn what_no_stockade_would_load_is_not_built() {
    let wit = "package test:clock; interface clock { now: func() -> u64; }
               world ticking { import clock; export stockade:policy/validation@0.1.0; }";
    let failure =
        finish(&project(), &testing::foreign_component(wit, "ticking")).expect_err("an import of its own");
    assert!(format!("{failure:?}").contains("test:clock/clock"), "{failure:?}");
    let failure = finish(&project(), b"not wasm").expect_err("not WebAssembly");
    assert!(format!("{failure:?}").contains("not WebAssembly"), "{failure:?}");
    let no_bindings = b"\0asm\x01\0\0\0";
    assert!(format!("{:?}", finish(&project(), no_bindings).expect_err("no hook")).contains("hook"));
}

#[test]
fn metadata_of_the_tools_own_is_replaced() {
    let mut other = project();
    other.metadata = Metadata { version: "9.9.9".into(), ..other.metadata };
    let built = finish(&other, &testing::policy("validator")).expect("a policy");
    assert_eq!(describe(&built).expect("a policy").metadata.expect("there").version, "9.9.9");
}

#[test]
fn a_check_tells_same_other_and_none() {
    let folder = Folder::new();
    let path = folder.path().join("x.wasm");
    assert_eq!(State::of(&path, b"new").expect("readable"), State::Missing);
    replace(&path, b"old").expect("a folder of ours");
    assert_eq!(State::of(&path, b"new").expect("readable"), State::Differs);
    replace(&path, b"new").expect("a folder of ours");
    assert_eq!(State::of(&path, b"new").expect("readable"), State::Same);
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1, "nothing is left beside it");
    assert!(State::of(folder.path(), b"new").is_err());
}
