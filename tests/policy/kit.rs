//! Makes policies: fragments of WebAssembly text from `wat/`, with `kit.wat` around them, as components of the contract in
//! `sdk/wit`, or of another one that only looks like it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const KIT: &str = include_str!("wat/kit.wat");
/// Texts stand from here on; answers are made behind all of them.
const TEXTS: usize = 1024;

/// A component to be. What it imports and exports is what its text does.
#[derive(Clone, Debug)]
pub(crate) struct Fragment {
    text: String,
    contract: Option<&'static str>,
}

/// `wat/NAME.wat` with its parameters filled in.
pub(crate) fn fragment(name: &str, parameters: &[(&str, &str)]) -> Fragment {
    let path = folder().join(format!("{name}.wat"));
    let mut text =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for (name, value) in parameters {
        let place = format!("{{{name}}}");
        assert!(text.contains(&place), "{} has no parameter {name}", path.display());
        text = text.replace(&place, value);
    }
    Fragment { text, contract: None }
}

/// The usual: its function `$act` answers at these hooks.
pub(crate) fn policy(name: &str, parameters: &[(&str, &str)], hooks: &[&str]) -> Vec<u8> {
    fragment(name, parameters).at(hooks).component()
}

pub(crate) fn hostile(name: &str, hooks: &[&str]) -> Vec<u8> {
    policy(&format!("hostile/{name}"), &[], hooks)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/wat")
}

impl Fragment {
    /// Exports `$act` as the function of each of these hooks.
    pub(crate) fn at(mut self, hooks: &[&str]) -> Self {
        for hook in hooks {
            let (function, parameters) = match *hook {
                "configuration" => ("validate-settings", "(param i32 i32)"),
                "mutation" => ("mutate", ""),
                "validation" => ("validate", ""),
                "pre-start" => ("approve", ""),
                "on-started" => ("started", ""),
                "on-exited" => ("exited", ""),
                "connection" => ("connect", "(param i32 i32 i32)"),
                other => panic!("there is no hook {other}"),
            };
            let export = format!("(export \"{hook}#{function}\") {parameters} (result i32)");
            self.text = format!("{}(func {export} (call $act))\n", self.text);
        }
        self
    }

    /// Of a contract with the same name in place of `sdk/wit`.
    pub(crate) fn under(mut self, contract: &'static str) -> Self {
        self.contract = Some(contract);
        self
    }

    pub(crate) fn core_module(&self) -> Vec<u8> {
        let text = with_texts(&format!("(module\n{}\n{KIT})", self.text));
        let text = full_names(&text);
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn component(&self) -> Vec<u8> {
        let mut module = self.core_module();
        let mut resolve = self.contract.map_or_else(
            || CONTRACT.clone(),
            |text| {
                let mut resolve = Resolve::default();
                resolve.push_str("contract.wit", text).expect("a contract of this suite");
                resolve
            },
        );
        let package = resolve.push_str("world.wit", &self.world()).expect("a world of this suite");
        let world = resolve.select_world(&[package], None).expect("the only one");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).expect("a module");
        let mut encoder = ComponentEncoder::default().validate(true).module(&module).expect("its world fits");
        encoder.encode().unwrap_or_else(|error| panic!("{error:#}\n{}", self.text))
    }

    /// The world that has just what the text names.
    fn world(&self) -> String {
        let named = |opening: &str| {
            let after = self.text.split(opening).skip(1);
            after.filter_map(|rest| rest.split(['"', '#']).next()).map(interface).collect::<BTreeSet<_>>()
        };
        let lines = |word: &str, names: BTreeSet<String>| {
            names.iter().map(|name| format!("  {word} {name};\n")).collect::<Vec<_>>().concat()
        };
        let imports = lines("import", named("(import \""));
        let exports = lines("export", named("(export \""));
        format!("package tests:fixture;\nworld fixture {{\n{imports}{exports}}}\n")
    }
}

static CONTRACT: LazyLock<Resolve> = LazyLock::new(|| {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/wit");
    resolve.push_dir(wit).expect("the contract");
    for (file, text) in [
        ("wasi.wit", "package wasi:clocks@0.2.0;\ninterface wall-clock { get: func() -> u32; }"),
        ("other.wit", "package other:thing@1.0.0;\ninterface box { get: func() -> u32; }"),
    ] {
        resolve.push_str(file, text).expect("interfaces that no policy has");
    }
    resolve
});

/// Those with a package of their own are named in full.
fn interface(name: &str) -> String {
    if name.contains(':') { name.into() } else { format!("stockade:policy/{name}@0.1.0") }
}

fn full_names(text: &str) -> String {
    let rename = |text: &str, opening: &str| {
        let mut parts = text.split(opening);
        let mut done = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(['"', '#']).unwrap_or(0);
            let (name, rest) = part.split_at(end);
            // Memory and the allocator are no interfaces.
            let own = opening == "(export \"" && rest.starts_with('"');
            done = done + opening + &if own { name.to_owned() } else { interface(name) } + rest;
        }
        done
    };
    rename(&rename(text, "(import \""), "(export \"")
}

/// Puts every `@"text"` into memory, once, and its address and length in its place.
fn with_texts(text: &str) -> String {
    let mut texts: Vec<(&str, usize)> = Vec::new();
    let mut next = TEXTS;
    let mut pieces = text.split("@\"");
    let mut done = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (literal, rest) = piece.split_once('"').expect("a text has an end");
        let length = length(literal);
        let known = texts.iter().find(|(text, _)| *text == literal).map(|(_, at)| *at);
        let at = known.unwrap_or_else(|| {
            texts.push((literal, next));
            next += length;
            next - length
        });
        done = format!("{done}(i32.const {at}) (i32.const {length}){rest}");
    }
    assert!(next <= 65536, "texts fit below what is handed out");
    let data: Vec<String> =
        texts.iter().map(|(text, at)| format!("(data (i32.const {at}) \"{text}\")\n")).collect();
    let end = done.rfind(')').expect("a module ends");
    done.insert_str(end, &data.concat());
    done
}

/// Of a literal in bytes; `\hh` is one.
fn length(literal: &str) -> usize {
    literal.len() - 2 * literal.matches('\\').count()
}
