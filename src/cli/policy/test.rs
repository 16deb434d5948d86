//! `stockade policy test`: the cases of a policy's `cases.toml`, asked of the built component as the daemon would.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use admission::{Admission, Options};
use daemon::{Config, Settings};
use model::{HostPolicy, Limits};
use sandbox::Profiles;
use serde::Serialize;

use super::project::Project;
use crate::output::{self, Failure};

pub(crate) mod ask;
mod case;
mod expect;
pub(crate) mod given;

use case::Case;

/// Run the test cases of policies
///
/// Exits with 1 when a case fails.
#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Folders of policies, built
    #[arg(default_value = ".", value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Tested {
    policy: String,
    case: String,
    ok: bool,
    /// What was otherwise than expected.
    problems: Vec<String>,
    duration_us: u64,
}

const FAILED: u8 = 1;

pub(crate) fn test(args: &TestArgs) -> Result<ExitCode, Failure> {
    let mut all = Vec::new();
    for dir in &args.dirs {
        all.extend(test_one(dir, args.filter.as_deref())?);
    }
    if all.is_empty() {
        return Err(Failure::new("there is no such case").hint("write some into `cases.toml`"));
    }
    let failed = all.iter().filter(|tested| !tested.ok).count();
    if args.json {
        output::json(&all)?;
    } else {
        output::data(&text(&all, failed))?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

fn test_one(dir: &Path, filter: Option<&str>) -> Result<Vec<Tested>, Failure> {
    let project = Project::load(dir)?;
    let component = project.component();
    if !component.is_file() {
        return Err(Failure::new(format!("{} is not there", component.display()))
            .hint(format!("build it first: `stockade policy build {}`", dir.display())));
    }
    let cases = case::read(&dir.join("cases.toml"))?;
    let wanted = |case: &&Case| filter.is_none_or(|text| case.name.contains(text));
    let tested = |case: &Case| -> Result<Tested, Failure> {
        // A process of policies of its own, so that no case sees what another left in a policy's memory.
        let answer = ask::ask(case, &project.metadata.name, &component)?;
        let problems = expect::problems(&case.expect, &answer);
        Ok(Tested {
            policy: project.metadata.name.clone(),
            case: case.name.clone(),
            ok: problems.is_empty(),
            problems,
            duration_us: answer.duration_us,
        })
    };
    cases.iter().filter(wanted).map(tested).collect()
}

fn text(all: &[Tested], failed: usize) -> String {
    let line = |Tested { policy, case, ok, problems, .. }: &Tested| {
        let word = if *ok { "ok" } else { "FAILED" };
        let problems = problems.iter().map(|problem| format!("        {problem}\n"));
        format!("{word:<7} {policy}: {case}\n{}", problems.collect::<String>())
    };
    let lines = all.iter().map(line).collect::<String>();
    format!("{lines}{} passed, {failed} failed\n", all.len() - failed)
}

/// A host with the built-in defaults, and caps that leave the verdict to the policies.
pub(crate) fn host() -> HostPolicy {
    let defaults = Limits::defaults();
    let caps = roomy(&defaults);
    HostPolicy { defaults, caps, profiles: Profiles::builtin().names() }
}

/// Policies as on that host.
pub(crate) fn admission() -> Result<Admission, Failure> {
    admission_on(host())
}

pub(crate) fn admission_on(host: HostPolicy) -> Result<Admission, Failure> {
    // Settings that cannot be read are no reason not to try a policy: only its start takes longer.
    let config = Config::load(None, &Settings::default()).ok();
    let cache = config.and_then(|config| config.policy_cache);
    let options = Options { host, cache, record: None, places: 2, recalls: false, aside: |work| work() };
    Admission::open(options).map_err(|error| Failure::caused("cannot try policies", &error))
}

fn roomy(defaults: &Limits) -> Limits {
    Limits {
        memory_bytes: 1 << 40,
        disk_bytes: 1 << 40,
        pids: 1 << 20,
        cpu_time_ms: defaults.cpu_time_ms * 10_000,
        wall_time_ms: defaults.wall_time_ms * 10_000,
        output_bytes: 1 << 32,
        open_files: 1 << 20,
        file_bytes: 1 << 40,
        stack_bytes: 1 << 32,
        cpus: 1024.0,
    }
}
