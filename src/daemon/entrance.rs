//! The way to the server: sockets, certificate, and who is let in. In the order that privileges ask for: what root may be
//! needed for first, what the daemon must be able to do itself after root was given up.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use api::{Callers, Listener, Tls, tokens};
use nix::unistd::geteuid;

use crate::listen::{Address, Name, Safety, Socket};
use crate::settings::ConfigError;
use crate::{Config, harden, state_dir};

#[derive(Debug)]
pub struct Entrance {
    sockets: Vec<Socket>,
    metrics: Option<Socket>,
    tls: Option<Tls>,
    state_dir: PathBuf,
}

impl Entrance {
    /// Nothing is accepted yet. While there is one thread, behind [`crate::confine`].
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let tls = config.tls.clone().map(|(certificate, key)| Tls::open(certificate, key)).transpose();
        let tls = tls.map_err(|error| {
            ConfigError::setting(
                "tls_cert",
                error.to_string(),
                "`tls_cert` and `tls_key` are one pair, in PEM",
            )
        })?;
        let sockets = config.listen.iter().map(Address::bind).collect::<Result<_, _>>()?;
        let metrics = config.telemetry.address().as_ref().map(Address::bind).transpose()?;
        harden::bound().context("cannot give up capabilities")?;
        let state_dir = state_dir(config)?;
        let names = config.listen.iter().filter_map(Address::path);
        names.chain([state_dir.as_path()]).try_for_each(|path| hidden(path, &config.host_paths))?;
        Ok(Self { sockets, metrics, tls, state_dir })
    }

    /// Refuses an address that is not a safe one, now that it is known whether there are tokens.
    pub(crate) fn callers(&self, config: &Config) -> anyhow::Result<Callers> {
        let file = self.state_dir.join(tokens::FILE);
        let callers = Callers::open(file, geteuid().as_raw()).context("cannot tell callers")?;
        let tokens = callers.usable_tokens();
        let safety = Safety { tokens, tls: self.tls.is_some(), allow_plaintext: config.allow_plaintext };
        for address in &config.listen {
            address.check(safety)?;
        }
        if let Some(usable) = tokens {
            tracing::info!(usable, "callers need a token");
        } else {
            tracing::info!("there are no tokens: whoever can connect is let in");
        }
        Ok(callers)
    }

    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// Where `/metrics` is to be answered.
    pub(crate) fn metrics(&mut self) -> Option<Socket> {
        self.metrics.take()
    }

    pub(crate) fn tls(&self) -> Option<Tls> {
        self.tls.clone()
    }

    /// Tells where the server is reached. The names are to be kept for as long as it is.
    pub(crate) fn admit(self) -> anyhow::Result<(Vec<Listener>, Vec<Name>)> {
        let Self { sockets, tls, .. } = self;
        let (mut listeners, mut names) = (Vec::new(), Vec::new());
        for socket in sockets {
            let url = socket.url(tls.is_some()).context("cannot read the port")?;
            let (listener, name) = socket.open(tls.as_ref()).context("cannot use the listener")?;
            announce("listening", &url);
            listeners.push(listener);
            names.extend(name);
        }
        Ok((listeners, names))
    }
}

/// A job may have this process's own id. A read-only mount would not keep it from connecting to a socket, and nothing
/// from reading what is there.
fn hidden(path: &Path, shown: &[PathBuf]) -> Result<(), ConfigError> {
    let path = path.canonicalize().unwrap_or_else(|_| path.into());
    let real = |host: &PathBuf| host.canonicalize().unwrap_or_else(|_| host.clone());
    let Some(host) = shown.iter().find(|host| path.starts_with(real(host))) else { return Ok(()) };
    let detail = format!("`{}` would show jobs {}", host.display(), path.display());
    Err(ConfigError::setting("host_paths", detail, "show them what is needed of it alone, or move the other"))
}

/// One line a script can wait for, whatever the log's format; with port 0 it tells the real one.
pub(crate) fn announce(what: &str, url: &str) {
    // Nobody reads stderr: still no reason not to serve.
    writeln!(io::stderr(), "{what} on {url}").ok();
}

/// Takes a renewed certificate for connections to come.
pub(crate) async fn renew(tls: Tls) {
    match tokio::task::spawn_blocking(move || tls.reload()).await {
        Ok(Ok(())) => tracing::info!("certificate read again"),
        Ok(Err(error)) => {
            tracing::error!(
                "certificate not renewed, the one in force stays: {error}; it is read without root's rights"
            );
        }
        Err(error) => tracing::error!("certificate not renewed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_jobs_see_is_not_where_the_server_is_reached() {
        let shown = [PathBuf::from("/opt/data"), "/srv".into()];
        for apart in ["/opt/database/s.sock", "/opt", "/run/s.sock"] {
            assert!(hidden(Path::new(apart), &shown).is_ok(), "{apart}");
        }
        for below in ["/opt/data", "/opt/data/s.sock", "/srv/a/b"] {
            assert!(hidden(Path::new(below), &shown).is_err(), "{below}");
        }
    }
}
