//! Where the verbs of images and volumes work: on this machine's own store, beside a daemon or without one, or through a
//! server.

use std::env;
use std::path::PathBuf;

use daemon::{Config, Settings};
use image::Images;
use sandbox::Profiles;
use serde::Serialize;
use serde_json::Value;
use supervise::Supervisor;

use crate::args::StateArgs;
use crate::client::{Client, Server, ServerArgs};
use crate::output::{Failure, chain};
use crate::start;

/// Whose `stockade run` and a daemon without tokens are.
pub(crate) const TENANT: &str = "default";

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    #[command(flatten)]
    state: StateArgs,
    /// Settings file (TOML) that names the state directory
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Work on what this server has, not on this machine's store [default: the variable STOCKADE_SERVER]
    #[arg(long, value_name = "URL", conflicts_with_all = ["state_dir", "config"])]
    server: Option<Server>,
    /// Certificates to trust instead of the system's, as PEM
    #[arg(long, env = "STOCKADE_CACERT", value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// File that holds the token for the server [default: the variable STOCKADE_TOKEN]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// What belongs to this tenant
    #[arg(long, value_name = "NAME")]
    pub(crate) tenant: Option<String>,
}

/// What of the store is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    Records,
    /// Layers and volumes as well, which takes the launcher.
    Trees,
}

#[derive(Debug)]
pub(crate) enum Place {
    Here(Images),
    There(Box<Client>),
}

impl PlaceArgs {
    /// Forks where that is needed: this process must have one thread. What only root can open has to be open already.
    pub(crate) fn open(&self, reach: Reach) -> Result<Place, Failure> {
        if let Some(server) = self.named_server()? {
            let (cacert, token_file) = (self.cacert.clone(), self.token_file.clone());
            return Ok(Place::There(Box::new(Client::new(&ServerArgs { server, cacert, token_file })?)));
        }
        let flags = Settings { state_dir: self.state.state_dir.clone(), ..Settings::default() };
        Ok(Place::Here(here(&Config::load(self.config.as_deref(), &flags)?, reach)?))
    }

    /// Who names a folder means that.
    fn named_server(&self) -> Result<Option<Server>, Failure> {
        let variable = env::var("STOCKADE_SERVER").ok().filter(|server| !server.is_empty());
        match (&self.server, variable) {
            (Some(server), _) => Ok(Some(server.clone())),
            (None, Some(server)) if self.state.state_dir.is_none() && self.config.is_none() => {
                let parsed = server.parse().map_err(|why| Failure::new(format!("STOCKADE_SERVER: {why}")));
                parsed.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// For a route.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tenant.as_deref().map(|tenant| ("tenant", tenant)).into_iter()
    }
}

fn here(config: &Config, reach: Reach) -> Result<Images, Failure> {
    let folder = daemon::state_dir(config)?;
    let stores = daemon::stores(&folder)?;
    let supervisor = match reach {
        Reach::Records => None,
        Reach::Trees => {
            let supervisor = Supervisor::new(start::tools(config, stores)?, Profiles::builtin());
            Some(supervisor.map_err(|error| Failure::caused("cannot reach the launcher", &error))?)
        }
    };
    shed()?;
    Ok(daemon::images(config, &folder, supervisor)?)
}

/// What is made from here on is the daemon's user's, whoever started us.
pub(crate) fn shed() -> Result<(), Failure> {
    daemon::shed().map_err(|error| Failure::new(chain(error.as_ref())))
}

/// As a server would send it.
pub(crate) fn value(of: impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(of).map_err(|error| Failure::caused("cannot write JSON", &error))
}

/// What a table or a summary is made of.
pub(crate) fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Failure> {
    serde_json::from_value(value)
        .map_err(|error| Failure::caused("cannot read what the server answers", &error))
}

impl From<image::Error> for Failure {
    fn from(error: image::Error) -> Self {
        let failure = Self::new(chain(&error));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<image::OpenError> for Failure {
    fn from(error: image::OpenError) -> Self {
        Self::new(chain(&error)).hint("name another state directory with `--state-dir`")
    }
}
