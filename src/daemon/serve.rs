//! Start and stop order of the daemon.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use admission::{Admission, Summary};
use anyhow::Context;
use api::{Callers, ReloadError, Stages, Tls};
use image::Images;
use journal::{Journal, Unfinished};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sandbox::{Launcher, Profiles};
use schedule::{Local, Queue};
use supervise::Supervisor;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::entrance::{self, Entrance};
use crate::harden::{self, Walls};
use crate::telemetry::Exporters;
use crate::{Config, log, privilege};

/// For jobs that were answered with an id and have not ended when the server is told to stop.
const DRAIN: Duration = Duration::from_secs(30);
const SWEEP: Duration = Duration::from_hours(1);
/// For policies that are still to be told how jobs ended.
const FLUSH: Duration = Duration::from_secs(5);

/// Serves HTTP until SIGTERM or SIGINT, then lets requests under way end. `launcher` was started, and `entrance` opened, while
/// there was one thread; `admission` has the policies of the settings loaded, by threads behind `walls`. SIGHUP loads them
/// again.
pub fn serve(
    config: &Config,
    (launcher, profiles): (Launcher, Profiles),
    admission: Admission,
    walls: &Walls,
    entrance: Entrance,
) -> anyhow::Result<()> {
    log::start(config)?;
    walls.tell();
    for name in &config.unknown_variables {
        tracing::warn!(name, "this environment variable is no setting of Stockade");
    }
    tell_policies(config, &admission)?;
    raise_open_files();
    privilege::shed()?;
    harden::filter()?;
    let callers = entrance.callers(config)?;
    // As who it will be read and written by.
    let kept = Journal::open(journal::Options {
        folder: entrance.state_dir().to_owned(),
        durability: config.service.durability,
        retention: config.service.retention.clone(),
    });
    let kept = kept.context("cannot open the journal")?;
    let leftovers = launcher.leftovers();
    let supervisor = Supervisor::new(launcher, profiles).context("cannot reach the launcher")?;
    let images = crate::images(config, entrance.state_dir(), Some(supervisor.clone()))
        .context("cannot open the store of images")?;
    let runtime =
        runtime::Builder::new_multi_thread().enable_all().build().context("cannot start worker threads")?;
    let served =
        runtime.block_on(run(config, (entrance, callers), (supervisor, images, leftovers), admission, kept));
    // Threads that still read a job's output must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn run(
    config: &Config,
    (mut entrance, callers): (Entrance, Callers),
    (supervisor, images, leftovers): (Supervisor, Images, (u64, u64)),
    admission: Admission,
    (journal, unfinished): (Journal, Vec<Unfinished>),
) -> anyhow::Result<()> {
    // Before the port is announced: whoever reads the announcement may signal at once.
    let mut stop = Stop::new().context("cannot handle signals")?;
    let hangup = signal(SignalKind::hangup()).context("cannot handle signals")?;
    let tls = entrance.tls();
    let (exporters, telemetry) = Exporters::start(config, leftovers)?;
    let queue: Queue = Arc::new(Local::new(config.service.capacity, config.service.quotas.clone()));
    let stages = Stages {
        supervisor,
        admission: admission.clone(),
        journal,
        queue,
        callers: callers.clone(),
        images: images.clone(),
        telemetry,
    };
    let service = api::Service::new(stages, edge(config));
    exporters.listen(entrance.metrics(), &config.allowed_hosts)?;
    // Before anybody can send another: these were first.
    service.recover(unfinished).await;
    let (listeners, names) = entrance.admit()?;

    tokio::spawn(reload_on(hangup, admission.clone(), callers.clone(), tls));
    tokio::spawn(service.housekeeping());
    tokio::spawn(sweep(images));
    let (drain, router) = (service.drain(), service.router());
    let (stopping, stopped) = oneshot::channel::<()>();
    let server = api::serve(listeners, router, async {
        // Never sent, only dropped: either way it is the end.
        stopped.await.ok();
    });
    tokio::pin!(server);
    tokio::select! {
        () = &mut server => anyhow::bail!("the HTTP server ended by itself"),
        () = stop.asked() => tracing::info!("stopping: no new requests, those under way may end"),
    }
    drop((stopping, names));
    let ended = async {
        tokio::join!(server, drain.idle());
        flush(admission).await;
    };
    tokio::select! {
        () = ended => (),
        () = tokio::time::sleep(DRAIN) => tracing::warn!("jobs still ran after {} s", DRAIN.as_secs()),
        () = stop.asked() => tracing::warn!("asked to stop a second time: not waiting any longer"),
    }
    exporters.end().await;
    // Jobs that still run end with the launcher, whose other end this process holds.
    tracing::info!("stopped");
    Ok(())
}

fn edge(config: &Config) -> api::Config {
    api::Config {
        quotas: config.service.quotas.clone(),
        max_blob_bytes: config.service.max_blob_bytes,
        callback_allow: config.service.callback_allow.clone(),
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

async fn reload_on(mut hangup: Signal, admission: Admission, callers: Callers, tls: Option<Tls>) {
    while hangup.recv().await.is_some() {
        // First what takes no time: a revoked token must not outlive the compiling of policies.
        callers.reload().await;
        if let Some(tls) = tls.clone() {
            entrance::renew(tls).await;
        }
        match api::reload_policies(admission.clone()).await {
            Ok(Summary { bundle: None, .. }) => tracing::info!("SIGHUP: there are no policies to reload"),
            // Both were told where they came about.
            Ok(_) | Err(ReloadError::Refused(_)) => (),
            Err(error) => tracing::error!("{error}"),
        }
    }
}

/// What was cut short by an earlier end of this process, or of another that has the store open, is left lying there.
async fn sweep(images: Images) {
    let mut turns = tokio::time::interval(SWEEP);
    loop {
        turns.tick().await;
        if let Err(error) = images.gc().await {
            tracing::warn!("the store of images was not swept: {error}");
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
