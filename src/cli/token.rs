//! `stockade token`: who may call a server. It writes the file that the daemon reads; no daemon needs to run, and one
//! that runs takes what changed with its next request.

mod ls;
mod new;
mod revoke;
mod store;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use daemon::{Config, Settings};

use crate::args::StateArgs;
use crate::output::Failure;

use store::Store;

/// Make, list and revoke the tokens that callers of the server need
///
/// As soon as there is one, every request needs one; processes of root and of the daemon's user on a unix socket
/// do not. Run it as the user who runs the daemon, or as root.
#[derive(Debug, clap::Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    verb: TokenVerb,
}

#[derive(Debug, Subcommand)]
enum TokenVerb {
    New(new::NewArgs),
    Ls(ls::LsArgs),
    Revoke(revoke::RevokeArgs),
}

/// Which daemon's tokens are meant: by the settings that it is started with.
#[derive(Debug, clap::Args)]
struct WhereArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Settings file (TOML) of the daemon
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(crate) fn token(args: &TokenArgs) -> Result<ExitCode, Failure> {
    match &args.verb {
        TokenVerb::New(args) => new::new(args),
        TokenVerb::Ls(args) => ls::ls(args),
        TokenVerb::Revoke(args) => revoke::revoke(args),
    }
}

impl WhereArgs {
    fn store(&self) -> Result<Store, Failure> {
        let flags = Settings { state_dir: self.state.state_dir.clone(), ..Settings::default() };
        let config = Config::load(self.config.as_deref(), &flags)?;
        let (dir, owner) = daemon::state_dir_of(&config)?;
        Ok(Store::new(&dir, owner))
    }
}
