use std::error::Error;
use std::io::{self, ErrorKind};
use std::iter;
use std::process::ExitCode;

use daemon::{Config, ConfigError, Entrance, NoLandlock};

use crate::args::ServeArgs;
use crate::output::{Failure, chain};
use crate::start;

pub(crate) fn serve(args: &ServeArgs) -> Result<ExitCode, Failure> {
    let config = Config::load(args.host.config.as_deref(), &args.settings())?;
    let profiles = start::profiles(&config)?;
    // Before the runtime exists: it forks.
    // A state directory that cannot be had is told behind the policies.
    let state = daemon::state_dir(&config);
    let stores = state.as_ref().ok().map(|dir| daemon::stores(dir)).transpose()?;
    let launcher = start::kept_launcher(&config, stores)?;
    // Before the first thread, and after the launcher, which has walls of its own.
    let walls =
        daemon::confine(&config, state.as_deref().ok(), &launcher).map_err(|error| failed(error.as_ref()))?;
    let entrance = Entrance::open(&config);
    // Before root is given up, which may be needed to read them.
    let admission = start::admission(&config, &profiles, api::aside)?;
    state?;
    entrance
        .and_then(|entrance| daemon::serve(&config, (launcher, profiles), admission, &walls, entrance))
        .map_err(|error| failed(error.as_ref()))?;
    Ok(ExitCode::SUCCESS)
}

fn failed(error: &(dyn Error + 'static)) -> Failure {
    let failure = Failure::new(chain(error));
    let causes = || iter::successors(Some(error), |&error| error.source());
    if let Some(hint) = causes().find_map(|cause| cause.downcast_ref::<ConfigError>()?.hint()) {
        return failure.hint(hint);
    }
    if causes().any(<dyn Error>::is::<NoLandlock>) {
        return failure.hint(NoLandlock::REMEDY);
    }
    match causes().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind) {
        Some(ErrorKind::AddrInUse) => {
            failure.hint("another process has this port: choose one with `--listen`")
        }
        _ => failure,
    }
}
