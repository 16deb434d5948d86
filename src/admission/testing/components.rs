//! Components made from the contract alone, and folders to put them in. Compiled into the tests of `cli` too.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, PackageId, Resolve};

use super::metadata::{self, Metadata};

/// The contract, from its files.
pub(crate) fn contract() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/wit");
    let (package, _) = resolve.push_dir(dir).expect("the contract is valid");
    (resolve, package)
}

/// A core module of a world of the contract, as a compiler would leave it. Every function of it traps.
pub(crate) fn module(world: &str) -> Vec<u8> {
    let (resolve, package) = contract();
    module_of(&resolve, package, world)
}

/// A component without metadata that exports and imports all that a world of the contract has.
pub(crate) fn component(world: &str) -> Vec<u8> {
    encode(&module(world))
}

/// The same of a world in a package of its own.
pub(crate) fn foreign_component(wit: &str, world: &str) -> Vec<u8> {
    let (mut resolve, _) = contract();
    let package = resolve.push_str("test.wit", wit).expect("valid WIT");
    encode(&module_of(&resolve, package, world))
}

fn module_of(resolve: &Resolve, package: PackageId, world: &str) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).expect("a world of the contract");
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("a module");
    module
}

fn encode(module: &[u8]) -> Vec<u8> {
    let mut encoder = ComponentEncoder::default().validate(true).module(module).expect("a module");
    encoder.encode().expect("a component")
}

/// With metadata.
pub(crate) fn policy(world: &str) -> Vec<u8> {
    metadata::write(&component(world), &metadata()).expect("valid metadata")
}

pub(crate) fn metadata() -> Metadata {
    Metadata {
        name: "example".into(),
        version: "1.2.3".into(),
        description: "An example.".into(),
        homepage: None,
        metrics: vec!["seen".into()],
        settings_schema: Some(serde_json::json!({ "type": "object", "properties": {} })),
    }
}

/// A folder for one test, removed with it.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("stockade-policy-test-{}-{number}", process::id()));
        fs::create_dir(&path).expect("nobody else's name");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
