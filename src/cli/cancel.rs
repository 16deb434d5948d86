//! `stockade cancel` and `stockade rm`.

use std::process::ExitCode;

use crate::client::{Call, Each, each, path};
use crate::output::Failure;

/// End jobs, whether they wait or run
///
/// Prints the id of each. One that has ended already stays as it is.
#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    #[command(flatten)]
    each: Each,
}

/// Remove ended jobs with all their data
#[derive(Debug, clap::Args)]
pub(crate) struct RmArgs {
    #[command(flatten)]
    each: Each,
}

pub(crate) fn cancel(args: &CancelArgs) -> Result<ExitCode, Failure> {
    each(&args.each, |id| Call::post(path(["jobs", id, "cancel"])))
}

pub(crate) fn rm(args: &RmArgs) -> Result<ExitCode, Failure> {
    each(&args.each, |id| Call::delete(path(["jobs", id])))
}
