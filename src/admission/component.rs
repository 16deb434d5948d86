//! Facts about a policy that can be read off its file. Nothing is compiled and nothing runs.

pub mod contract;
pub mod metadata;
mod sections;

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{ComponentExportSectionReader, ComponentImportSectionReader, Parser, Validator};

use self::contract::{ALWAYS_THERE, CONFIGURATION, GRANTS, HOOKS, Interface, other_version};
use self::metadata::{Metadata, MetadataError};
use self::sections::{EXPORT, IMPORT, sections};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// None for a component that was made without `stockade policy build`.
    pub metadata: Option<Metadata>,
    /// Bytes of the whole file.
    pub size_bytes: usize,
    /// `sha256:…` of the whole file.
    pub digest: String,
    /// The newest version of the contract that it names.
    pub contract: String,
    /// In the order of the contract, here and below.
    pub hooks: Vec<&'static str>,
    pub always_there: Vec<&'static str>,
    /// What a bundle has to grant before it loads.
    pub grants: Vec<&'static str>,
    /// What it calls, by interface.
    pub functions: BTreeMap<&'static str, Vec<String>>,
    /// Where there is one, the policy cannot be loaded.
    pub unknown_imports: Vec<String>,
    /// Nobody calls them.
    pub unknown_exports: Vec<String>,
}

#[derive(Debug, Error)]
pub enum NotAPolicy {
    #[error("not WebAssembly")]
    NotWasm,
    #[error("a core module, not a component")]
    CoreModule,
    #[error("a damaged component")]
    Damaged(#[from] wasmparser::Error),
    #[error("its section `{}` cannot be used", metadata::SECTION)]
    Metadata(#[from] MetadataError),
    #[error("made for version {found} of stockade:policy, not for {}", contract::VERSION)]
    OtherContract { found: String },
    #[error("exports no hook of stockade:policy@{}", contract::VERSION)]
    NoHook,
}

impl NotAPolicy {
    /// What mends it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotWasm => "give the file that `stockade policy build` writes, NAME.wasm",
            Self::CoreModule => {
                "`stockade policy build DIR` encodes a component; by hand: `wasm-tools component new IN.wasm -o OUT.wasm`, \
                 for a module built with bindings of sdk/wit"
            }
            Self::Damaged(_) => "build it again, or copy it again and compare digests",
            Self::Metadata(_) => "build it again with `stockade policy build`",
            Self::OtherContract { .. } => "build it again with the SDK of this Stockade, or update Stockade",
            Self::NoHook => {
                "export one of mutation, validation, pre-start, on-started, on-exited, connection"
            }
        }
    }
}

pub fn describe(file: &[u8]) -> Result<Description, NotAPolicy> {
    if Parser::is_core_wasm(file) {
        return Err(NotAPolicy::CoreModule);
    }
    if !Parser::is_component(file) {
        return Err(NotAPolicy::NotWasm);
    }
    let types = Validator::new().validate_all(file)?;
    let Names { imports, exports } = names(file)?;
    let hooks = among(&exports, &HOOKS);
    if hooks.iter().all(|hook| *hook == CONFIGURATION) {
        let other = exports.iter().find_map(|name| other_version(name));
        return Err(
            other.map_or(NotAPolicy::NoHook, |found| NotAPolicy::OtherContract { found: found.into() })
        );
    }
    Ok(Description {
        metadata: metadata::read(file)?,
        size_bytes: file.len(),
        digest: digest(file),
        contract: newest(imports.iter().chain(&exports)),
        always_there: among(&imports, &ALWAYS_THERE),
        grants: among(&imports, &GRANTS),
        functions: functions(&types, &imports),
        unknown_imports: unknown(&imports, &[&ALWAYS_THERE, &GRANTS]),
        unknown_exports: unknown(&exports, &[&HOOKS]),
        hooks,
    })
}

pub fn digest(file: &[u8]) -> String {
    Sha256::digest(file).iter().fold(String::from("sha256:"), |text, byte| text + &format!("{byte:02x}"))
}

struct Names<'a> {
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
}

/// Of the component itself, not of what is nested in it.
fn names(component: &[u8]) -> Result<Names<'_>, wasmparser::Error> {
    let mut names = Names { imports: Vec::new(), exports: Vec::new() };
    for section in sections(component)? {
        let reader = section.reader(component);
        match section.id {
            IMPORT => {
                for import in ComponentImportSectionReader::new(reader)? {
                    names.imports.push(import?.name.name);
                }
            }
            EXPORT => {
                for export in ComponentExportSectionReader::new(reader)? {
                    names.exports.push(export?.name.name);
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Those of `interfaces` that are among `names`.
fn among(names: &[&str], interfaces: &[&'static str]) -> Vec<&'static str> {
    let named = |interface: &str| names.iter().any(|name| is_named(name, interface));
    interfaces.iter().copied().filter(|interface| named(interface)).collect()
}

fn is_named(name: &str, interface: &str) -> bool {
    Interface::parse(name).is_some_and(|parsed| parsed.name == interface)
}

fn unknown(names: &[&str], interfaces: &[&[&'static str]]) -> Vec<String> {
    let known = |name: &str| interfaces.concat().iter().any(|interface| is_named(name, interface));
    names.iter().filter(|name| !known(name)).map(|name| (*name).to_owned()).collect()
}

/// Only of `names` that are of the track; there is a hook among them.
fn newest<'a>(names: impl Iterator<Item = &'a &'a str>) -> String {
    let newest = names.filter_map(|name| Interface::parse(name)).max_by_key(|interface| interface.patch);
    newest.map_or_else(|| contract::VERSION.into(), Interface::version)
}

/// Only what is really called stands in a component's imports.
fn functions(types: &Types, imports: &[&str]) -> BTreeMap<&'static str, Vec<String>> {
    let mut functions: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for import in imports {
        let known = [&ALWAYS_THERE[..], &GRANTS].concat();
        let interface = known.into_iter().find(|interface| is_named(import, interface));
        let item = types.as_ref().component_item_for_import(import).map(|item| item.ty);
        if let (Some(interface), Some(ComponentEntityType::Instance(instance))) = (interface, item) {
            let exports = types[instance].exports.iter();
            let called = exports.filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
            functions.entry(interface).or_default().extend(called.map(|(name, _)| name.clone()));
        }
    }
    functions.retain(|_, called| !called.is_empty());
    functions
}

#[cfg(test)]
mod tests;
