//! Start and stop order of the daemon.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use admission::{Admission, Summary};
use anyhow::Context;
use api::ReloadError;
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
/// For policies that are still to be told how jobs ended.
const FLUSH: Duration = Duration::from_secs(5);

/// Serves HTTP until SIGTERM or SIGINT, then lets requests under way end. `launcher` was started while there was one
/// thread; `admission` has the policies of the settings loaded. SIGHUP loads them again.
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
    tell_policies(config, &admission)?;
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
    let hangup = signal(SignalKind::hangup()).context("cannot handle signals")?;
    let supervisor = Supervisor::new(launcher, profiles).context("cannot reach the launcher")?;
    let listener = tokio::net::TcpListener::from_std(listener).context("cannot use the listener")?;
    announce(listener.local_addr().context("cannot read the port")?);

    tokio::spawn(reload_on(hangup, admission.clone()));
    let (router, drain) = api::router(supervisor, admission.clone(), edge(config));
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
    let ended = async {
        tokio::join!(server, drain.idle());
        flush(admission).await;
    };
    tokio::select! {
        () = ended => (),
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
        policies_required: config.policies.is_some(),
        ..api::Config::new(config.defaults.clone(), config.caps.clone())
    }
}

/// They were loaded before there was a log.
fn tell_policies(config: &Config, admission: &Admission) -> anyhow::Result<()> {
    let Summary { generation, bundle, policies, .. } = admission.summary();
    match bundle {
        Some(bundle) => tracing::info!(bundle, generation, policies = policies.len(), "policies in force"),
        // Should never be: whoever starts us loads them.
        None if config.policies.is_some() => anyhow::bail!("the policies of the settings are not loaded"),
        None => tracing::info!("no policies: every valid job is admitted"),
    }
    Ok(())
}

async fn reload_on(mut hangup: Signal, admission: Admission) {
    while hangup.recv().await.is_some() {
        match api::reload_policies(admission.clone()).await {
            Ok(Summary { bundle: None, .. }) => tracing::info!("SIGHUP: there are no policies to reload"),
            // Both were told where they came about.
            Ok(_) | Err(ReloadError::Refused(_)) => (),
            Err(error) => tracing::error!("{error}"),
        }
    }
}

async fn flush(admission: Admission) {
    let flushed = tokio::task::spawn_blocking(move || {
        let all = admission.flush(FLUSH);
        admission.close();
        all
    });
    let flushed = flushed.await;
    if !flushed.is_ok_and(|all| all) {
        tracing::warn!("policies that follow jobs were not done after {} s", FLUSH.as_secs());
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
