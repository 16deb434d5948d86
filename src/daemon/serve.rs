//! Start and stop order of the daemon.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use admission::Admission;
use anyhow::Context;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{Backlog, listen};
use sandbox::{Launcher, Profiles};
use supervise::Supervisor;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::{Config, log, privilege};

/// For jobs that were answered with an id and have not ended when the server is told to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// Serves HTTP until SIGTERM or SIGINT, then lets requests under way end. `launcher` was started while there was one thread.
pub fn serve(
    config: &Config,
    launcher: Launcher,
    profiles: Profiles,
    admission: Admission,
) -> anyhow::Result<()> {
    log::start(config)?;
    for name in &config.unknown_variables {
        tracing::warn!(name, "this environment variable is no setting of Stockade");
    }
    raise_open_files();
    let listener = listener(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    privilege::shed()?;
    let runtime =
        runtime::Builder::new_multi_thread().enable_all().build().context("cannot start worker threads")?;
    let served = runtime.block_on(run(config, listener, launcher, profiles, admission));
    // Threads that still read a job's output must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn run(
    config: &Config,
    listener: TcpListener,
    launcher: Launcher,
    profiles: Profiles,
    admission: Admission,
) -> anyhow::Result<()> {
    // Before the port is announced: whoever reads the announcement may signal at once.
    let mut stop = Stop::new().context("cannot handle signals")?;
    let supervisor = Supervisor::new(launcher, profiles).context("cannot reach the launcher")?;
    let listener = tokio::net::TcpListener::from_std(listener).context("cannot use the listener")?;
    announce(listener.local_addr().context("cannot read the port")?);

    let (router, drain) = api::router(supervisor, admission, edge(config));
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = api::serve(listener, router, async {
        // Never sent, only dropped: either way it is the end.
        stopped.await.ok();
    });
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => anyhow::bail!("the HTTP server ended by itself"),
        () = stop.asked() => tracing::info!("stopping: no new requests, those under way may end"),
    }
    drop(stopping);
    let ended = async { tokio::join!(server, drain.idle()) };
    tokio::select! {
        _ = ended => (),
        () = tokio::time::sleep(DRAIN) => tracing::warn!("jobs still ran after {} s", DRAIN.as_secs()),
        () = stop.asked() => tracing::warn!("asked to stop a second time: not waiting any longer"),
    }
    // Jobs that still run end with the launcher, whose other end this process holds.
    tracing::info!("stopped");
    Ok(())
}

fn edge(config: &Config) -> api::Config {
    api::Config {
        max_running: config.max_running,
        max_queued: config.max_queued,
        max_body_bytes: config.max_body_bytes,
        allowed_hosts: config.allowed_hosts.clone(),
        ..api::Config::new(config.defaults.clone(), config.caps.clone())
    }
}

/// The standard library's queue is for 128 clients; whoever comes while it is full waits a second for the next try.
fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    listen(&listener, Backlog::MAXCONN)?;
    Ok(listener)
}

/// One line a script can wait for, whatever the log's format; with port 0 it tells the real one.
fn announce(address: SocketAddr) {
    // Nobody reads stderr: still no reason not to serve.
    writeln!(io::stderr(), "listening on http://{address}").ok();
}

/// Every running job holds several descriptors; the usual soft limit of 1024 is there for select(2), which we never call.
fn raise_open_files() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(errno) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%errno, soft, "cannot raise the number of open files");
    }
}

struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => (),
            _ = self.interrupt.recv() => (),
        }
    }
}
