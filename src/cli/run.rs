//! `stockade run`: one job, without a daemon.

use std::collections::BTreeMap;
use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use admission::{About, Additions, Admission, Admitted, Denial, Follower, Verdict};
use daemon::Config;
use jiff::Timestamp;
use model::{Cause, Decision, Job, JobId, JobSpec, Mode, Status, Timing};
use sandbox::{Launcher, PlanError, Profiles, Sources};
use supervise::{Io, NoLanes, NoWatch, Outcome, Supervisor, micros};
use tokio::runtime;

use crate::args::RunArgs;
use crate::output::{self, Failure};
use crate::{exit, request, signals, start};

/// For policies that follow jobs; they have a tenth of a second each by default.
const FLUSH: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let config = Config::load(args.host.config.as_deref(), &args.host.settings())?;
    if args.tty && !args.dry_run && !io::stdin().is_terminal() {
        return Err(Failure::new("-t: the input is not a terminal").hint("leave out `-t`"));
    }
    let profiles = start::profiles(&config)?;
    let request = request::job_request(&args.job, &args.command, |name| env::var(name).ok())?;
    let spec = request::check(request, args, &config.policy(profiles.names()))?;
    // Before the runtime exists: it forks.
    let launcher = start::launcher(&config, None)?;
    let admission = start::admission(&config, &profiles)?;
    let about = About::local(JobId::new());
    let asked = Instant::now();
    let decide = if args.dry_run { Admission::preview } else { Admission::admit };
    let verdict = decide(&admission, spec, about.clone());
    let admit = asked.elapsed();
    // The only one of this process.
    admission.close();
    let admitted = match verdict {
        Verdict::Admitted(admitted) => admitted,
        Verdict::Denied(denial) => return denied(args, about.id, admit, denial),
    };
    // One thread is enough for one job and is there at once.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::caused("cannot start", &error))?;
    let done = runtime.block_on(job(args, launcher, profiles, &admission, admitted, admit));
    // A thread may still sit in a read of our stdin.
    runtime.shutdown_background();
    done
}

async fn job(
    args: &RunArgs,
    launcher: Launcher,
    profiles: Profiles,
    admission: &Admission,
    admitted: Admitted<JobSpec>,
    admit: Duration,
) -> Result<ExitCode, Failure> {
    let supervisor = Supervisor::new(launcher, profiles);
    let supervisor = supervisor.map_err(|error| Failure::caused("cannot reach the launcher", &error))?;
    let plan = supervisor.plan(admitted.spec(), &Sources::default()).map_err(refused)?;
    if !args.json {
        admitted.warnings().iter().for_each(output::note);
    }
    if args.dry_run {
        admitted.decisions().iter().filter(|decision| !decision.patch.is_empty()).for_each(patched);
        output::json(&plan)?;
        return Ok(ExitCode::SUCCESS);
    }
    // Before the job exists: a signal from here on is the job's.
    let orders = signals::forward().map_err(|error| Failure::caused("cannot handle signals", &error))?;
    let io = if args.json { Io::Report } else { Io::Relay };
    let before = Before::of(&admitted, admit);
    let follower = admitted.follower().clone();
    let additions = additions(admission);
    let outcome = supervisor.run(admitted, plan, io, orders, Arc::new(NoWatch), Arc::new(NoLanes)).await;
    let (code, explanation) = (exit::code(&outcome), exit::explanation(&outcome));
    if !args.json {
        outcome.warnings.iter().for_each(output::note);
        explanation.into_iter().for_each(output::note);
    }
    let mut job = finished(outcome, before);
    follow(admission, &follower, &mut job, &additions);
    if args.json {
        output::json(&job)?;
    }
    Ok(ExitCode::from(code))
}

/// What policies that follow the job add to its record, as it comes.
fn additions(admission: &Admission) -> Arc<Mutex<Additions>> {
    let all = Arc::new(Mutex::new(Additions::default()));
    let sink = Arc::clone(&all);
    admission.on_additions(move |_, more| {
        let mut all = sink.lock().unwrap_or_else(PoisonError::into_inner);
        all.labels.extend(more.labels);
        all.annotations.extend(more.annotations);
    });
    all
}

/// Lets them see its end: after us there is nobody who would call them.
fn follow(admission: &Admission, follower: &Follower, job: &mut Job, all: &Mutex<Additions>) {
    follower.exited(job);
    if !admission.flush(FLUSH) {
        output::note(format!("policies that follow jobs were not done after {} s", FLUSH.as_secs()));
    }
    let all = std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner));
    job.annotations.extend(all.annotations);
    for (key, value) in all.labels {
        job.labels.entry(key).or_insert(value);
    }
}

pub(crate) fn refused(error: PlanError) -> Failure {
    Failure::new(format!("refused: {}: {}", error.layer, error.detail)).hint(error.remedy)
}

fn patched(decision: &Decision) {
    let ops = decision.patch.iter().map(|op| match &op.value {
        Some(value) => format!("{} {} {value}", op.op, op.path),
        None => format!("{} {}", op.op, op.path),
    });
    let applied = if decision.mode == Mode::Enforce { "" } else { " (not enforced)" };
    output::note(format!("policy {}{applied}: {}", decision.policy, ops.collect::<Vec<_>>().join(", ")));
}

/// A job that never ran.
fn denied(args: &RunArgs, id: JobId, admit: Duration, denial: Denial) -> Result<ExitCode, Failure> {
    let Denial { policy, code, reason, field, warnings, decisions, .. } = denial;
    let field = field.map_or_else(String::new, |field| format!(" ({field})"));
    let words = format!("denied by policy `{policy}` ({code}): {reason}{field}");
    if !args.json {
        warnings.iter().for_each(output::note);
        return Err(Failure::new(words));
    }
    let cause = Cause { policy: Some(policy), code: Some(code), ..Cause::new("policy", reason) };
    let outcome = Outcome {
        status: Status::Denied,
        cause: Some(cause),
        steps: Vec::new(),
        artifacts: Vec::new(),
        artifact_errors: Vec::new(),
        policy: Vec::new(),
        warnings: Vec::new(),
        isolation: None,
        timing: Timing::default(),
    };
    let before =
        Before { id, admit, started: Timestamp::now(), labels: BTreeMap::new(), decisions, warnings };
    output::json(&finished(outcome, before))?;
    Ok(ExitCode::from(exit::RUN_FAILED))
}

/// What is known of a job before it runs.
struct Before {
    id: JobId,
    admit: Duration,
    started: Timestamp,
    labels: BTreeMap<String, String>,
    decisions: Vec<Decision>,
    warnings: Vec<String>,
}

impl Before {
    fn of(admitted: &Admitted<JobSpec>, admit: Duration) -> Self {
        Self {
            id: admitted.about().id,
            admit,
            started: Timestamp::now(),
            labels: admitted.spec().labels.clone(),
            decisions: admitted.decisions().to_vec(),
            warnings: admitted.warnings().to_vec(),
        }
    }
}

/// The job as `GET /jobs/{id}` would answer it. `run` queues nothing, so it was created when it was started.
fn finished(outcome: Outcome, before: Before) -> Job {
    Job {
        id: before.id,
        status: outcome.status,
        tenant: "default".into(),
        attempt: 1,
        paused: false,
        priority: 0,
        labels: before.labels,
        created_at: before.started,
        started_at: Some(before.started).filter(|_| outcome.status != Status::Denied),
        finished_at: Some(Timestamp::now()),
        cause: outcome.cause,
        steps: outcome.steps,
        artifacts: outcome.artifacts.into_iter().map(|collected| collected.artifact).collect(),
        artifact_errors: outcome.artifact_errors,
        committed: None,
        policy: [before.decisions, outcome.policy].concat(),
        warnings: [before.warnings, outcome.warnings].concat(),
        annotations: BTreeMap::new(),
        isolation: outcome.isolation,
        timing: Timing { admit_us: micros(before.admit), ..outcome.timing },
    }
}
