//! `stockade run`: one job, without a daemon.

mod ground;

use std::collections::BTreeMap;
use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use admission::{About, Additions, Admission, Admitted, Denial, Follower, Verdict};
use daemon::{Config, Settings};
use jiff::Timestamp;
use model::{Cause, Decision, Decisions, HostPolicy, Job, JobId, JobRequest, JobSpec, Mode, Status, Timing};
use sandbox::{PlanError, Sources};
use supervise::{Io, NoLanes, Outcome, Supervisor, micros};
use tokio::runtime::{self, Runtime};

use crate::args::RunArgs;
use crate::output::{self, Failure};
use crate::place::shed;
use crate::{exit, request, signals, start};
use ground::{Changed, Folders, Ground};

/// For policies that follow jobs; they have a tenth of a second each by default.
const FLUSH: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let flags = Settings { state_dir: args.state.state_dir.clone(), ..args.host.settings() };
    let config = Config::load(args.host.config.as_deref(), &flags)?;
    if args.tty && !args.dry_run && !io::stdin().is_terminal() {
        return Err(Failure::new("-t: the input is not a terminal").hint("leave out `-t`"));
    }
    let profiles = start::profiles(&config)?;
    let request = request::job_request(&args.job, &args.command, |name| env::var(name).ok())?;
    let policy = config.policy(profiles.names());
    let folders = Folders::needed(&config, &request)?;
    // What can be said already is said before anything is started.
    let checked = match request.image() {
        None => Some(request::check(request.clone(), args, &policy, None)?),
        Some(_) => None,
    };
    // Before the runtime exists: it forks.
    let launcher = start::launcher(&config, folders.as_ref().map(|folders| folders.stores.clone()))?;
    let admission = start::admission(&config, &profiles, |work| work())?;
    if folders.is_some() {
        shed()?;
    }
    let supervisor = Supervisor::new(launcher, profiles);
    let supervisor = supervisor.map_err(|error| Failure::caused("cannot reach the launcher", &error))?;
    // One thread is enough for one job and is there at once.
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::caused("cannot start", &error))?;
    let done =
        over(args, &runtime, Over { config, supervisor, admission, folders, request, checked, policy });
    // A thread may still sit in a read of our stdin.
    runtime.shutdown_background();
    done
}

/// What a job is made of and run with.
struct Over {
    config: Config,
    supervisor: Supervisor,
    admission: Admission,
    folders: Option<Folders>,
    request: JobRequest,
    checked: Option<JobSpec>,
    policy: HostPolicy,
}

fn over(args: &RunArgs, runtime: &Runtime, over: Over) -> Result<ExitCode, Failure> {
    let Over { config, supervisor, admission, folders, request, checked, policy } = over;
    let ground = match &folders {
        None => None,
        Some(folders) => Some(runtime.block_on(folders.open(&config, &supervisor, &request, args))?),
    };
    let spec = match checked {
        Some(spec) => spec,
        None => request::check(request, args, &policy, ground.as_ref().and_then(Ground::image))?,
    };
    let about = About::local(JobId::new());
    let asked = Instant::now();
    let decide = if args.dry_run { Admission::preview } else { Admission::admit };
    let verdict = decide(&admission, spec, about.clone());
    let admit = asked.elapsed();
    // The only one of this process.
    admission.close();
    match verdict {
        Verdict::Admitted(admitted) => {
            let ours = Ours { supervisor, admission: &admission, ground, admit };
            runtime.block_on(job(args, ours, admitted))
        }
        Verdict::Denied(denial) => denied(args, about.id, admit, denial),
    }
}

/// What an admitted job is run with.
struct Ours<'a> {
    supervisor: Supervisor,
    admission: &'a Admission,
    ground: Option<Ground>,
    admit: Duration,
}

async fn job(args: &RunArgs, ours: Ours<'_>, mut admitted: Admitted<JobSpec>) -> Result<ExitCode, Failure> {
    let Ours { supervisor, admission, mut ground, admit } = ours;
    let sources = match &mut ground {
        None => Sources::default(),
        Some(ground) if args.dry_run => ground.preview(admitted.spec()),
        Some(ground) => ground.mount(admitted.spec()).await?,
    };
    let plan = supervisor.plan(admitted.spec(), &sources).map_err(refused)?;
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
    let before = Before::of(&mut admitted, admit);
    let (spec, follower) = (admitted.spec().clone(), admitted.follower().clone());
    let additions = additions(admission);
    let changed = Arc::new(Changed::default());
    let watch = Arc::clone(&changed);
    let launched = supervisor.launch(Arc::new(admitted), plan, io, orders, watch, Arc::new(NoLanes)).await;
    let outcome = launched.run().await;
    let (mut code, explanation) = (exit::code(&outcome), exit::explanation(&outcome));
    if !args.json {
        outcome.warnings.iter().for_each(output::note);
        explanation.into_iter().for_each(output::note);
    }
    let mut job = finished(outcome, before);
    if let Some(ground) = ground {
        if job.status == Status::Succeeded && !committed(&ground, &spec, &changed, &mut job).await {
            code = exit::RUN_FAILED;
        }
        ground.end().await;
    }
    follow(admission, &follower, &mut job, &additions);
    if args.json {
        output::json(&job)?;
    }
    Ok(ExitCode::from(code))
}

/// Makes the image that the job asked for. What it cannot be made for is told, and then the job did not succeed.
async fn committed(ground: &Ground, spec: &JobSpec, changed: &Changed, job: &mut Job) -> bool {
    match ground.commit(spec, changed).await {
        Ok(committed) => job.committed = committed,
        Err(failure) => {
            output::failure(&failure);
            job.status = Status::InternalError;
            job.cause = Some(Cause::new("commit", failure.message()));
        }
    }
    job.status == Status::Succeeded
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
        built: Vec::new(),
        timing: Timing::default(),
        again: None,
    };
    let (started, labels) = (Timestamp::now(), BTreeMap::new());
    let before = Before { id, admit, started, labels, decisions: decisions.into(), warnings };
    output::json(&finished(outcome, before))?;
    Ok(ExitCode::from(exit::RUN_FAILED))
}

/// What is known of a job before it runs.
struct Before {
    id: JobId,
    admit: Duration,
    started: Timestamp,
    labels: BTreeMap<String, String>,
    decisions: Decisions,
    warnings: Vec<String>,
}

impl Before {
    fn of(admitted: &mut Admitted<JobSpec>, admit: Duration) -> Self {
        let (decisions, warnings) = admitted.take_said();
        Self {
            id: admitted.about().id,
            admit,
            started: Timestamp::now(),
            labels: admitted.spec().labels.clone(),
            decisions,
            warnings,
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
        policy: [&before.decisions[..], &outcome.policy].concat().into(),
        warnings: [before.warnings, outcome.warnings].concat(),
        annotations: BTreeMap::new(),
        isolation: outcome.isolation,
        timing: Timing { admit_us: micros(before.admit), ..outcome.timing },
        traceparent: None,
    }
}
