use std::collections::BTreeSet;

use super::{ALWAYS_THERE, GRANTS, HOOKS, Interface, PACKAGE, VERSION, other_version};
use crate::testing;

#[test]
fn every_interface_of_the_wit_files_is_here() {
    let (resolve, package) = testing::contract();
    let package = &resolve.packages[package];
    assert_eq!(format!("{}/", package.name.to_string().split_once('@').expect("a version").0), PACKAGE);
    assert_eq!(package.name.version.as_ref().expect("a version").to_string(), VERSION);
    let theirs: BTreeSet<&str> = package.interfaces.keys().map(String::as_str).collect();
    let ours: BTreeSet<&str> = HOOKS.into_iter().chain(ALWAYS_THERE).chain(GRANTS).collect();
    assert_eq!(theirs, ours);
}

#[test]
fn any_patch_of_the_track_is_ours_and_nothing_else() {
    let interface = Interface::parse("stockade:policy/job@0.1.12").expect("of the track");
    assert_eq!((interface.name, interface.version().as_str()), ("job", "0.1.12"));
    for other in [
        "stockade:policy/job",
        "stockade:policy/job@0.2.0",
        "stockade:policy/job@0.1.0-rc.1",
        "stockade:policy/job@0.1.+1",
        "stockade:policy/job@0.1.",
        "stockade:policies/job@0.1.0",
        "wasi:clocks/wall-clock@0.2.6",
        "job",
        "",
    ] {
        assert_eq!(Interface::parse(other), None, "{other}");
    }
    assert_eq!(other_version("stockade:policy/job@0.2.0"), Some("0.2.0"));
    assert_eq!(other_version("stockade:policy/job@0.1.0"), None);
}
