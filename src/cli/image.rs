//! `stockade image`: what jobs can have for a root filesystem.

mod export;
mod gc;
mod import;
mod inspect;
pub(crate) mod ls;
mod pull;
mod push;
mod rm;

use std::process::ExitCode;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;

use crate::list::ListArgs;
use crate::output::{self, Failure};
use crate::place::read;

/// Bring, list and remove the images that jobs run on
///
/// They are in the state directory and need no daemon; one may run at the same time. With `--server`, or STOCKADE_SERVER
/// set, those of a server are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    #[command(subcommand)]
    verb: ImageVerb,
}

#[derive(Debug, Subcommand)]
enum ImageVerb {
    Pull(pull::PullArgs),
    Import(import::ImportArgs),
    /// List images, by their names
    Ls(ListArgs),
    Inspect(inspect::InspectArgs),
    Rm(rm::RmArgs),
    Gc(gc::GcArgs),
    Export(export::ExportArgs),
    Push(push::PushArgs),
}

pub(crate) fn image(args: &ImageArgs) -> Result<ExitCode, Failure> {
    match &args.verb {
        ImageVerb::Pull(args) => pull::pull(args),
        ImageVerb::Import(args) => import::import(args),
        ImageVerb::Ls(args) => ls::ls(args),
        ImageVerb::Inspect(args) => inspect::inspect(args),
        ImageVerb::Rm(args) => return rm::rm(args),
        ImageVerb::Gc(args) => gc::gc(args),
        ImageVerb::Export(args) => export::export(args),
        ImageVerb::Push(args) => push::push(args),
    }?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Those that were brought: their names, as `run --image` takes them.
fn brought(images: Vec<Value>, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&images);
    }
    for image in images {
        output::data(&(read::<Named>(image)?.name + "\n"))?;
    }
    Ok(())
}
