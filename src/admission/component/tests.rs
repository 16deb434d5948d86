use super::{NotAPolicy, describe, metadata};
use crate::testing::{self, component, foreign_component};

/// A world that mixes hooks, takes one function of a grant, and has names that are not the contract's.
const MIXTURE: &str = r"
    package test:mixture;
    interface extra { more: func(); }
    world mixture {
        import stockade:policy/log@0.1.0;
        import stockade:policy/kv@0.1.0;
        import extra;
        import bare: func();
        export stockade:policy/connection@0.1.0;
        export stockade:policy/mutation@0.1.0;
        export init: func();
    }";

#[test]
fn hooks_and_grants_are_read_off_exports_and_imports() {
    let description = describe(&component("mutator")).expect("a policy");
    assert_eq!(description.hooks, ["configuration", "mutation"]);
    assert_eq!(description.always_there, ["types", "log", "call", "job"]);
    assert_eq!(description.grants, ["patch"]);
    assert_eq!(description.contract, "0.1.0");
    assert!(description.functions["patch"].contains(&"set-memory-bytes".to_owned()));
    assert!(!description.functions.contains_key("types"));
    assert_eq!(description.metadata, None);
    assert!(description.unknown_imports.is_empty() && description.unknown_exports.is_empty());
}

#[test]
fn an_observer_needs_no_grant() {
    let description = describe(&component("observer")).expect("a policy");
    assert_eq!(description.hooks, ["configuration", "on-started", "on-exited"]);
    assert_eq!(description.always_there, ["types", "log", "call", "job", "container", "outcome"]);
    assert!(description.grants.is_empty());
}

#[test]
fn names_that_are_not_the_contracts_are_told() {
    let description = describe(&foreign_component(MIXTURE, "mixture")).expect("a policy");
    assert_eq!(description.hooks, ["mutation", "connection"]);
    assert_eq!(description.grants, ["kv"]);
    assert_eq!(description.functions["kv"], ["get", "put", "add"]);
    assert_eq!(description.unknown_imports, ["test:mixture/extra", "bare"]);
    assert_eq!(description.unknown_exports, ["init"]);
}

#[test]
fn metadata_comes_along() {
    let policy = testing::policy("validator");
    let description = describe(&policy).expect("a policy");
    assert_eq!(description.metadata, Some(testing::metadata()));
    assert_eq!(description.size_bytes, policy.len());
    assert!(description.digest.starts_with("sha256:") && description.digest.len() == 71);
}

#[test]
fn a_core_module_is_told_from_a_component() {
    let error = describe(&testing::module("validator")).expect_err("not encoded");
    assert!(matches!(error, NotAPolicy::CoreModule), "{error:?}");
    assert!(error.hint().contains("stockade policy build"));
}

#[test]
fn a_component_without_a_hook_is_no_policy() {
    for world in ["hook-configuration", "imports"] {
        let error = describe(&component(world)).expect_err("no hook");
        assert!(matches!(error, NotAPolicy::NoHook), "{world}: {error:?}");
    }
}

#[test]
fn another_version_of_the_contract_is_named() {
    let wit = "package stockade:policy@0.2.0; interface validation { validate: func(); } world later { export validation; }";
    let error = describe(&foreign_component(wit, "later")).expect_err("not ours");
    assert_eq!(error.to_string(), "made for version 0.2.0 of stockade:policy, not for 0.1.0");
}

#[test]
fn what_is_not_webassembly_is_refused() {
    for file in [&b""[..], b"\0asm", b"#!/bin/sh\n", b"\0asm\x0e\0\x01\0", &[0xff; 64]] {
        assert!(matches!(describe(file), Err(NotAPolicy::NotWasm)), "{file:?}");
    }
    assert!(matches!(describe(b"\0asm\x0d\0\x01\0"), Err(NotAPolicy::NoHook)));
}

#[test]
fn two_sections_of_metadata_are_refused() {
    let section = [&b"\x00\x12\x0fstockade:policy"[..], b"{}"].concat();
    let twice = [component("validator"), section.clone(), section].concat();
    assert!(matches!(describe(&twice), Err(NotAPolicy::Metadata(metadata::MetadataError::Twice))));
}

/// Where a cut falls between two sections the rest is a component, so only panics are failures, and silence about damage
/// within a section.
#[test]
fn no_cut_and_no_flipped_byte_panics() {
    let policy = testing::policy("validator");
    let description = describe(&policy).expect("a policy");
    let step = (policy.len() / 2000).max(1);
    for at in (0..policy.len()).step_by(step) {
        if let Ok(cut) = describe(&policy[..at]) {
            assert_ne!(cut.digest, description.digest);
        }
        let mut flipped = policy.clone();
        flipped[at] ^= 0x55;
        if let Ok(flipped) = describe(&flipped) {
            assert_ne!(flipped.digest, description.digest);
        }
    }
}
