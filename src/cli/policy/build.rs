//! `stockade policy build`: from a policy's folder to its component.

mod rust;
mod scripted;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};

use admission::component::{Description, metadata};
use wasmparser::Parser;
use wit_component::ComponentEncoder;

use super::inspect::facts;
use super::plugin;
use super::project::{Language, Project};
use super::table::list;
use crate::exit;
use crate::output::{self, Failure};

/// Build policies: DIR/NAME.wasm from DIR/policy.toml and the source beside it
///
/// Rust: the same source and toolchain give the same bytes, wherever they stand.
#[derive(Debug, clap::Args)]
pub(crate) struct BuildArgs {
    /// Folders of policies
    #[arg(value_name = "DIR", default_value = ".")]
    dirs: Vec<PathBuf>,
    /// Write nothing; exit with 1 where a built file is missing or has other bytes. Rust only
    #[arg(long)]
    check: bool,
}

pub(crate) fn build(args: &BuildArgs) -> Result<ExitCode, Failure> {
    let mut all_same = true;
    for dir in &args.dirs {
        let project = Project::load(dir)?;
        if args.check && project.language != Language::Rust {
            return Err(cannot_check(dir));
        }
        let component = finish(&project, &compile(&project)?)?;
        let path = project.component();
        if args.check {
            let state = State::of(&path, &component)?;
            all_same &= state == State::Same;
            output::data(&format!("{} {}\n", state.word(), path.display()))?;
        } else {
            replace(&path, &component)
                .map_err(|error| Failure::caused(&format!("cannot write {}", path.display()), &error))?;
            output::data(&format!(
                "wrote {}\n{}",
                path.display(),
                facts(&description(&project, &component)?)
            ))?;
        }
    }
    Ok(if all_same { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn cannot_check(dir: &Path) -> Failure {
    Failure::new(format!("{}: only Rust policies can be checked", dir.display()))
        .hint("the tools of JavaScript and Python do not give the same bytes twice; compare what `policy inspect` says")
}

/// What the language's tools make of the source: a core module or a component, without metadata.
fn compile(project: &Project) -> Result<Vec<u8>, Failure> {
    match project.language {
        Language::Rust => rust::compile(project),
        Language::Js | Language::Python => scripted::compile(project),
    }
}

/// The component as it is shipped. What no Stockade would load is refused here, where the author sees it.
fn finish(project: &Project, compiled: &[u8]) -> Result<Vec<u8>, Failure> {
    let component = if Parser::is_core_wasm(compiled) { encode(compiled)? } else { compiled.to_vec() };
    let component = metadata::write(&component, &project.metadata)
        .map_err(|error| Failure::caused("cannot write the metadata", &error))?;
    let unknown = description(project, &component)?.unknown_imports;
    if unknown.is_empty() {
        return Ok(component);
    }
    let dir = project.dir.display();
    Err(Failure::new(format!("{dir}: the policy imports what no policy is given: {}", list(&unknown))).hint(
        "policies have no WASI, clock, random numbers or network; sdk/wit/imports.wit has all that there is",
    ))
}

fn encode(module: &[u8]) -> Result<Vec<u8>, Failure> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| {
        Failure::new(format!("the module cannot be made a component: {error:#}"))
            .hint("its hooks must be exported by the SDK: in Rust, `stockade_policy::export!`")
    })
}

fn description(project: &Project, component: &[u8]) -> Result<Description, Failure> {
    plugin::describe(component, &project.dir.display().to_string())
}

/// The committed file beside what was built now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Same,
    Differs,
    Missing,
}

impl State {
    fn of(path: &Path, built: &[u8]) -> Result<Self, Failure> {
        match fs::read(path) {
            Ok(file) if file == built => Ok(Self::Same),
            Ok(_) => Ok(Self::Differs),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::Missing),
            Err(error) => Err(Failure::caused(&format!("cannot read {}", path.display()), &error)),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Same => "same   ",
            Self::Differs => "differs",
            Self::Missing => "missing",
        }
    }
}

/// At once or not at all: a daemon may read the old file meanwhile.
fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(format!("wasm.{}", process::id()));
    let written = fs::write(&unfinished, contents).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It is no use to anyone; that it cannot be removed is not the failure to tell.
        fs::remove_file(&unfinished).ok();
    }
    written
}

#[cfg(test)]
mod tests;
