//! `stockade volume`: what jobs keep beyond their end.

mod create;
mod inspect;
pub(crate) mod ls;
mod rm;

use std::process::ExitCode;

use clap::Subcommand;

use crate::list::ListArgs;
use crate::output::Failure;

/// Make, list and remove the volumes that jobs keep things in
///
/// A job's volume is made when it is first named, so `create` is for another size. They are in the state directory and need
/// no daemon. With `--server`, or STOCKADE_SERVER set, those of a server are meant.
#[derive(Debug, clap::Args)]
pub(crate) struct VolumeArgs {
    #[command(subcommand)]
    verb: VolumeVerb,
}

#[derive(Debug, Subcommand)]
enum VolumeVerb {
    Create(create::CreateArgs),
    /// List volumes, with what they held after the last job that wrote to them
    Ls(ListArgs),
    Inspect(inspect::InspectArgs),
    Rm(rm::RmArgs),
}

pub(crate) fn volume(args: &VolumeArgs) -> Result<ExitCode, Failure> {
    match &args.verb {
        VolumeVerb::Create(args) => create::create(args),
        VolumeVerb::Ls(args) => ls::ls(args),
        VolumeVerb::Inspect(args) => inspect::inspect(args),
        VolumeVerb::Rm(args) => return rm::rm(args),
    }?;
    Ok(ExitCode::SUCCESS)
}
