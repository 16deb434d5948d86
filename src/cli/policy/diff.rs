//! `stockade policy diff`: what another bundle would have said about jobs that were decided before.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use admission::{Admission, Recorded, Verdict};
use daemon::{Config, Settings};
use model::{Decision, HostPolicy, JobId, PatchOp, Ruling};
use serde::Serialize;

use super::table::table;
use super::test;
use crate::output::{self, Failure};
use crate::start;

/// Hold a bundle against recorded admissions, and show every job it would decide otherwise
///
/// Records are made by `serve` and `run` with the setting `admission_log`. What decides about admission is asked again,
/// mutation and validation; the hooks of a running job (pre-start, on-started, on-exited) are not. Exits with 1 when
/// anything differs. Patches are recorded without the values of variables: a policy that only sets another value decides
/// the same.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// Recorded admissions, one JSON document a line
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// The bundle to be judged: a file, or one that is shipped
    #[arg(value_name = "BUNDLE")]
    bundle: String,
    /// Settings file of the server that made the record: what policies make of a job is held to its caps and seccomp
    /// profiles [default: caps that nothing reaches, and the shipped profiles]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the differences as JSON
    #[arg(long)]
    json: bool,
}

const DIFFERS: u8 = 1;

#[derive(Debug, Default, Serialize)]
struct Report {
    replayed: usize,
    /// Recorded without their files: what policies say that read them is not known.
    partial: usize,
    changed: Vec<Change>,
}

#[derive(Debug, Serialize)]
struct Change {
    id: JobId,
    tenant: String,
    before: Said,
    after: Said,
}

/// What counts of a decision: durations, digests and words may differ.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Said {
    admitted: bool,
    /// Policies that denied, each with its code.
    denied_by: Vec<(String, String)>,
    patch: Vec<PatchOp>,
}

pub(crate) fn diff(args: &DiffArgs) -> Result<ExitCode, Failure> {
    let host = args.config.as_deref().map_or_else(|| Ok(test::host()), host)?;
    let admission = test::admission_on(host)?;
    admission.load(&args.bundle)?;
    let name = args.record.display();
    let file = File::open(&args.record).map_err(|error| {
        Failure::caused(&format!("cannot read {name}"), &error)
            .hint("`admission_log` in the settings makes one")
    })?;
    let mut report = Report::default();
    for (number, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| Failure::caused(&name.to_string(), &error))?;
        let recorded = serde_json::from_str(&line)
            .map_err(|error| Failure::caused(&format!("{name}:{}", number + 1), &error))?;
        replay(&admission, recorded, &mut report);
    }
    if args.json {
        output::json(&report)?;
    } else {
        output::data(&text(&report))?;
    }
    Ok(if report.changed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERS) })
}

/// As `serve` with this file would have it.
fn host(config: &Path) -> Result<HostPolicy, Failure> {
    let config = Config::load(Some(config), &Settings::default())?;
    let profiles = start::profiles(&config)?;
    Ok(config.policy(profiles.names()))
}

fn replay(admission: &Admission, recorded: Recorded, report: &mut Report) {
    let Recorded { about, job, partial, memories, admitted, decisions } = recorded;
    admission.restore(&memories, about.now);
    let before = Said::of(admitted, &decisions);
    let (id, tenant) = (about.id, about.tenant.clone());
    let after = match admission.admit(job, about) {
        Verdict::Admitted(admitted) => Said::of(true, admitted.decisions()),
        Verdict::Denied(denial) => Said::of(false, &denial.decisions),
    };
    report.replayed += 1;
    report.partial += usize::from(partial);
    if before != after {
        report.changed.push(Change { id, tenant, before, after });
    }
}

impl Said {
    fn of(admitted: bool, decisions: &[Decision]) -> Self {
        let denied = decisions.iter().filter(|decision| decision.denies());
        let patched = decisions.iter().filter(|d| d.counts() && d.verdict == Ruling::Mutate);
        Self {
            admitted,
            denied_by: denied.map(|d| (d.policy.clone(), d.code.clone().unwrap_or_default())).collect(),
            patch: patched.flat_map(|d| d.patch.clone()).collect(),
        }
    }

    fn words(&self) -> String {
        if !self.admitted {
            let all: Vec<String> =
                self.denied_by.iter().map(|(policy, code)| format!("{policy}:{code}")).collect();
            return format!("deny {}", all.join(","));
        }
        if self.patch.is_empty() {
            return "admit".into();
        }
        let value = |op: &PatchOp| op.value.as_ref().map_or_else(String::new, |value| format!("={value}"));
        let all: Vec<String> = self.patch.iter().map(|op| format!("{}{}", op.path, value(op))).collect();
        format!("admit, patched {}", all.join(","))
    }
}

fn text(report: &Report) -> String {
    let mut lines = vec![["JOB", "TENANT", "BEFORE", "AFTER"].map(String::from).to_vec()];
    for Change { id, tenant, before, after } in &report.changed {
        lines.push(vec![id.to_string(), tenant.clone(), before.words(), after.words()]);
    }
    let head = if report.changed.is_empty() { String::new() } else { table(&lines) };
    let count = |from: bool, to: bool| {
        report.changed.iter().filter(|c| c.before.admitted == from && c.after.admitted == to).count()
    };
    let summary = format!(
        "{} replayed, {} changed: {} admit -> deny, {} deny -> admit, {} admitted otherwise, {} denied otherwise\n",
        report.replayed,
        report.changed.len(),
        count(true, false),
        count(false, true),
        count(true, true),
        count(false, false),
    );
    let partial = if report.partial == 0 {
        String::new()
    } else {
        format!(
            "{} were recorded without their files, which were too large
",
            report.partial
        )
    };
    head + &summary + &partial
}

#[cfg(test)]
mod tests;
