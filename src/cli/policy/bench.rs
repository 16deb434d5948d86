//! `stockade policy bench`: what a policy costs each job, hook by hook.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::{About, Admission, Bundle, Entry, Follower, PolicyStats, Verdict};
use model::{Decision, Hook, Job, JobId, JobRequest, JobSpec, Receipt, Ruling};
use serde::Serialize;

use super::project::Project;
use super::table::table;
use super::test::{self, ask, given};
use crate::output::{self, Failure};

/// Measure how long a policy takes, hook by hook
///
/// Every call has a fresh instance, as in the daemon. For hooks that no job waits for, `on_started` and `on_exited`, it is the
/// time of the call alone, in whole microseconds.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// Folder of a policy, built
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Calls of each hook
    #[arg(long, default_value_t = 2000, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    calls: u32,
    /// Settings as a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    settings: String,
    /// A job as for POST /jobs, in a file [default: the command `true`]
    #[arg(long, value_name = "FILE")]
    job: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

/// Microseconds.
#[derive(Debug, Serialize)]
struct Row {
    hook: &'static str,
    calls: usize,
    verdict: Ruling,
    p50_us: f64,
    p90_us: f64,
    p99_us: f64,
    max_us: f64,
}

/// What every call is asked about.
struct Asked {
    spec: JobSpec,
    receipt: Arc<Receipt>,
    ended: Job,
}

const HOOKS: [Hook; 6] =
    [Hook::Mutation, Hook::Validation, Hook::PreStart, Hook::OnStarted, Hook::OnExited, Hook::Connection];

pub(crate) fn bench(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let project = Project::load(&args.dir)?;
    let (admission, asked) = (test::admission()?, asked(args)?);
    let mut rows = Vec::new();
    for hook in HOOKS {
        if load(args, &project, &admission, hook)? {
            rows.push(measure(args, &admission, &asked, hook)?);
        }
    }
    if rows.is_empty() {
        return Err(Failure::new("it has no hook that is asked about a job"));
    }
    if args.json {
        output::json(&rows)?;
    } else {
        output::data(&text(&rows))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `false` where it does not have the hook.
fn load(args: &BenchArgs, project: &Project, admission: &Admission, hook: Hook) -> Result<bool, Failure> {
    let path = project.component();
    let settings: toml::Table = serde_json::from_str(&args.settings)
        .map_err(|error| Failure::caused("--settings is no JSON object that TOML could hold", &error))?;
    let full = path.canonicalize().map_err(|error| {
        Failure::caused(&format!("cannot read {}", path.display()), &error)
            .hint("build it first: `stockade policy build`")
    })?;
    let mut entry = Entry::new(&project.metadata.name, &full.to_string_lossy());
    (entry.settings, entry.grants) = (settings, ask::wanted(&path)?);
    (entry.timeout_ms, entry.memory_bytes, entry.hooks) = (5000, 256 << 20, Some(vec![hook]));
    let bundle = Bundle::of(entry, std::collections::BTreeMap::new())?;
    match admission.load_bundle(&bundle) {
        Ok(_) => Ok(true),
        Err(error) if error.code == "hook" => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn job(args: &BenchArgs) -> Result<JobSpec, Failure> {
    let command = || JobRequest { command: Some(vec!["true".into()]), ..JobRequest::default() };
    let read = |path: &PathBuf| {
        let caused = |error: &dyn std::error::Error| Failure::caused(&path.display().to_string(), error);
        let text = std::fs::read(path).map_err(|error| caused(&error))?;
        model::read::<JobRequest>(&text).map_err(|error| caused(&error))
    };
    let request = args.job.as_ref().map_or_else(|| Ok(command()), read)?;
    request.check(&test::host()).map_err(|errors| {
        Failure::new(
            errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect::<Vec<_>>().join("; "),
        )
    })
}

fn asked(args: &BenchArgs) -> Result<Asked, Failure> {
    let unfit = |what: &str, error: serde_json::Error| Failure::caused(what, &error);
    let nothing = toml::Table::new();
    let receipt = given::receipt(&nothing).map_err(|error| unfit("a receipt", error))?;
    let ended = given::job(&nothing, None, &receipt).map_err(|error| unfit("an ended job", error))?;
    Ok(Asked { spec: job(args)?, receipt: Arc::new(receipt), ended })
}

fn measure(args: &BenchArgs, admission: &Admission, asked: &Asked, hook: Hook) -> Result<Row, Failure> {
    let mut all = Vec::with_capacity(args.calls as usize);
    let mut verdict = Ruling::Allow;
    for _ in 0..args.calls {
        let (spec, about) = (asked.spec.clone(), About::local(JobId::new()));
        let start = Instant::now();
        let decided = admission.admit(spec, about);
        let took = start.elapsed();
        let (took, ruling) = match (decided, hook) {
            (Verdict::Denied(denial), _) => (took, ruling(&denial.decisions)),
            (Verdict::Admitted(admitted), Hook::Mutation | Hook::Validation) => {
                (took, ruling(admitted.decisions()))
            }
            (Verdict::Admitted(admitted), Hook::OnStarted | Hook::OnExited) => {
                told(admission, admitted.follower(), asked, hook)?
            }
            (Verdict::Admitted(admitted), Hook::PreStart | Hook::Connection) => {
                later(admitted.follower(), asked, hook)
            }
        };
        verdict = ruling.unwrap_or(verdict);
        all.push(took);
    }
    all.sort();
    let at = |percent: usize| micros(all[(all.len() * percent / 100).min(all.len() - 1)]);
    let (p50_us, p90_us, p99_us, max_us) = (at(50), at(90), at(99), at(100));
    Ok(Row { hook: hook.word(), calls: all.len(), verdict, p50_us, p90_us, p99_us, max_us })
}

fn ruling(decisions: &[Decision]) -> Option<Ruling> {
    decisions.first().map(|decision| decision.verdict)
}

/// For hooks after admission, the time of that call alone.
fn later(follower: &Follower, asked: &Asked, hook: Hook) -> (Duration, Option<Ruling>) {
    let start = Instant::now();
    let judged = if hook == Hook::PreStart {
        follower.pre_start(&asked.receipt)
    } else {
        follower.connect("example.org", 443)
    };
    (start.elapsed(), ruling(&judged.decisions))
}

/// Nobody waits for these, so neither the way to the thread that calls them counts nor the way back.
fn told(
    admission: &Admission,
    follower: &Follower,
    asked: &Asked,
    hook: Hook,
) -> Result<(Duration, Option<Ruling>), Failure> {
    let before = stats(admission);
    if hook == Hook::OnStarted {
        follower.started(&asked.receipt);
    } else {
        follower.exited(&asked.ended);
    }
    let heard = admission.flush(ask::PATIENCE);
    let after = stats(admission);
    match before.zip(after) {
        Some((before, after)) if heard && after.calls > before.calls => {
            let ruling = if after.errors == before.errors { Ruling::Allow } else { Ruling::Error };
            Ok((Duration::from_micros(after.total_us - before.total_us), Some(ruling)))
        }
        _ => Err(Failure::new(format!("it was not asked at {}", hook.word()))
            .hint("this machine is too busy to measure anything")),
    }
}

fn stats(admission: &Admission) -> Option<PolicyStats> {
    admission.summary().policies.into_iter().next().map(|policy| policy.stats)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn text(rows: &[Row]) -> String {
    let head = ["HOOK", "CALLS", "VERDICT", "P50 us", "P90 us", "P99 us", "MAX us"];
    let mut lines = vec![head.map(String::from).to_vec()];
    for row in rows {
        let figures = [row.p50_us, row.p90_us, row.p99_us, row.max_us].map(|figure| format!("{figure:.1}"));
        let mut line = vec![row.hook.into(), row.calls.to_string(), row.verdict.word().into()];
        line.extend(figures);
        lines.push(line);
    }
    table(&lines)
}
