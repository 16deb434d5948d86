//! `stockade policy`: for who writes policies, and who runs them.

mod bench;
mod build;
mod diff;
mod inspect;
mod ls;
mod new;
mod plugin;
mod project;
mod schema;
pub(crate) mod table;
mod test;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

use clap::Subcommand;

use crate::output::Failure;

/// Write, build and look at policies
#[derive(Debug, clap::Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    verb: PolicyVerb,
}

#[derive(Debug, Subcommand)]
enum PolicyVerb {
    New(new::NewArgs),
    Build(build::BuildArgs),
    Test(test::TestArgs),
    Bench(bench::BenchArgs),
    Inspect(inspect::InspectArgs),
    Diff(diff::DiffArgs),
    Ls(ls::LsArgs),
    Schema(schema::SchemaArgs),
}

pub(crate) fn policy(args: &PolicyArgs) -> Result<ExitCode, Failure> {
    match &args.verb {
        PolicyVerb::New(args) => new::new(args),
        PolicyVerb::Build(args) => build::build(args),
        PolicyVerb::Inspect(args) => inspect::inspect(args),
        PolicyVerb::Test(args) => test::test(args),
        PolicyVerb::Bench(args) => bench::bench(args),
        PolicyVerb::Diff(args) => diff::diff(args),
        PolicyVerb::Ls(args) => ls::ls(args),
        PolicyVerb::Schema(args) => schema::schema(args),
    }
}
