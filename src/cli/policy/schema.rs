//! `stockade policy schema`: what a bundle may hold.

use std::process::ExitCode;

use admission::shipped;

use crate::output::{self, Failure};

/// Print the JSON schema of bundles
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {}

pub(crate) fn schema(SchemaArgs {}: &SchemaArgs) -> Result<ExitCode, Failure> {
    output::data(shipped::BUNDLE_SCHEMA)?;
    Ok(ExitCode::SUCCESS)
}
