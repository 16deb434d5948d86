//! `stockade run`: one job, without a daemon.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;

use daemon::Config;
use jiff::Timestamp;
use model::{Job, JobId, JobSpec};
use sandbox::{Launcher, PlanError, Profiles};
use supervise::{Io, Outcome, Supervisor};
use tokio::runtime;

use crate::args::RunArgs;
use crate::output::{self, Failure};
use crate::{exit, request, signals, start};

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let config = Config::load(args.host.config.as_deref(), &args.host.settings())?;
    if args.tty && !args.dry_run && !io::stdin().is_terminal() {
        return Err(Failure::new("-t: the input is not a terminal").hint("leave out `-t`"));
    }
    let profiles = start::profiles(&config)?;
    let request = request::job_request(args, |name| env::var(name).ok())?;
    let spec = request::check(request, args, &config.policy(profiles.names()))?;
    // Before the runtime exists: it forks.
    let launcher = start::launcher(&config)?;
    // One thread is enough for one job and is there at once.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::caused("cannot start", &error))?;
    let done = runtime.block_on(job(args, launcher, profiles, spec));
    // A thread may still sit in a read of our stdin.
    runtime.shutdown_background();
    done
}

async fn job(
    args: &RunArgs,
    launcher: Launcher,
    profiles: Profiles,
    spec: JobSpec,
) -> Result<ExitCode, Failure> {
    let supervisor = Supervisor::new(launcher, profiles);
    let supervisor = supervisor.map_err(|error| Failure::caused("cannot reach the launcher", &error))?;
    let plan = supervisor.plan(&spec).map_err(refused)?;
    if args.dry_run {
        output::json(&plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before the job exists: a signal from here on is the job's.
    let orders = signals::forward().map_err(|error| Failure::caused("cannot handle signals", &error))?;
    let io = if args.json { Io::Report } else { Io::Relay };
    let started = Timestamp::now();
    let labels = spec.labels.clone();
    let outcome = supervisor.run(spec, plan, io, orders).await;
    let (code, explanation) = (exit::code(&outcome), exit::explanation(&outcome));
    if args.json {
        output::json(&finished(outcome, started, labels))?;
    } else if let Some(explanation) = explanation {
        output::note(explanation);
    }
    Ok(ExitCode::from(code))
}

pub(crate) fn refused(error: PlanError) -> Failure {
    Failure::new(format!("refused: {}: {}", error.layer, error.detail)).hint(error.remedy)
}

/// The job as `GET /jobs/{id}` would answer it. `run` queues nothing, so it was created when it was started.
fn finished(outcome: Outcome, started: Timestamp, labels: BTreeMap<String, String>) -> Job {
    Job {
        id: JobId::new(),
        status: outcome.status,
        tenant: "default".into(),
        labels,
        created_at: started,
        started_at: Some(started),
        finished_at: Some(Timestamp::now()),
        cause: outcome.cause,
        steps: outcome.steps,
        artifacts: outcome.artifacts.into_iter().map(|collected| collected.artifact).collect(),
        artifact_errors: outcome.artifact_errors,
        policy: Vec::new(),
        warnings: Vec::new(),
        annotations: BTreeMap::new(),
        isolation: outcome.isolation,
        timing: outcome.timing,
    }
}
