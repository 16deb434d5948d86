//! `stockade pause` and `stockade resume`.

use std::process::ExitCode;

use crate::client::{Call, Each, each, path};
use crate::output::Failure;

/// Hold jobs where they are
#[derive(Debug, clap::Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    each: Each,
}

/// Let paused jobs go on
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    each: Each,
}

pub(crate) fn pause(args: &PauseArgs) -> Result<ExitCode, Failure> {
    each(&args.each, |id| Call::post(path(["jobs", id, "pause"])))
}

pub(crate) fn resume(args: &ResumeArgs) -> Result<ExitCode, Failure> {
    each(&args.each, |id| Call::post(path(["jobs", id, "resume"])))
}
