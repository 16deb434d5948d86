//! `stockade policy bench`: what a policy costs each job, hook by hook.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::{About, Admission, Admitted, Bundle, Entry, Verdict};
use model::{Decision, Hook, JobId, JobRequest, JobSpec, Ruling};
use serde::Serialize;

use super::project::Project;
use super::table::table;
use super::test::{self, ask, given};
use crate::output::{self, Failure};

/// Measure how long a policy takes, hook by hook
///
/// Every call has a fresh instance, as in the daemon.
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

pub(crate) fn bench(args: &BenchArgs) -> Result<ExitCode, Failure> {
    let project = Project::load(&args.dir)?;
    let (admission, spec) = (test::admission()?, job(args)?);
    let mut rows = Vec::new();
    for hook in [Hook::Mutation, Hook::Validation, Hook::PreStart, Hook::Connection] {
        if load(args, &project, &admission, hook)? {
            rows.push(measure(args, &admission, &spec, hook)?);
        }
    }
    if rows.is_empty() {
        return Err(
            Failure::new("it has no hook that stands in a job's way").hint("nothing waits for the others")
        );
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
        serde_json::from_slice::<JobRequest>(&text).map_err(|error| caused(&error))
    };
    let request = args.job.as_ref().map_or_else(|| Ok(command()), read)?;
    request.check(&test::host()).map_err(|errors| {
        Failure::new(
            errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect::<Vec<_>>().join("; "),
        )
    })
}

fn measure(args: &BenchArgs, admission: &Admission, spec: &JobSpec, hook: Hook) -> Result<Row, Failure> {
    let mut all = Vec::with_capacity(args.calls as usize);
    let mut verdict = Ruling::Allow;
    let receipt =
        Arc::new(given::receipt(&toml::Table::new()).map_err(|e| Failure::caused("a receipt", &e))?);
    for _ in 0..args.calls {
        let (spec, about) = (spec.clone(), About::local(JobId::new()));
        let start = Instant::now();
        let decided = admission.admit(spec, about);
        let took = start.elapsed();
        let (took, decisions) = match decided {
            Verdict::Denied(denial) => (took, denial.decisions),
            Verdict::Admitted(admitted) => later(&admitted, hook, &receipt, took),
        };
        verdict = decisions.first().map_or(verdict, |decision| decision.verdict);
        all.push(took);
    }
    all.sort();
    let at = |percent: usize| micros(all[(all.len() * percent / 100).min(all.len() - 1)]);
    let (p50_us, p90_us, p99_us, max_us) = (at(50), at(90), at(99), at(100));
    Ok(Row { hook: hook.word(), calls: all.len(), verdict, p50_us, p90_us, p99_us, max_us })
}

/// For hooks after admission, the time of that call alone.
fn later(
    admitted: &Admitted<JobSpec>,
    hook: Hook,
    receipt: &Arc<model::Receipt>,
    took: Duration,
) -> (Duration, Vec<Decision>) {
    let start = Instant::now();
    let judged = match hook {
        Hook::PreStart => admitted.follower().pre_start(receipt),
        Hook::Connection => admitted.follower().connect("example.org", 443),
        _ => return (took, admitted.decisions().to_vec()),
    };
    (start.elapsed(), judged.decisions)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn text(rows: &[Row]) -> String {
    let head = ["HOOK", "CALLS", "VERDICT", "P50 us", "P90 us", "P99 us", "MAX us"];
    let mut lines = vec![head.map(String::from).to_vec()];
    for row in rows {
        let verdict = serde_json::to_value(row.verdict).unwrap_or_default();
        let figures = [row.p50_us, row.p90_us, row.p99_us, row.max_us].map(|figure| format!("{figure:.1}"));
        let mut line =
            vec![row.hook.into(), row.calls.to_string(), verdict.as_str().unwrap_or_default().into()];
        line.extend(figures);
        lines.push(line);
    }
    table(&lines)
}
