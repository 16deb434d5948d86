use std::fmt::Display;

use jiff::Timestamp;
use model::{CaseResult, Cause, IdMapKind, Job, Receipt, Status, StepResult};

use crate::policy::table::{list, plain, table};
use crate::units::{age, bytes, time_us};

/// Cases that did not succeed, listed.
const CASES: usize = 20;

/// A block of facts, then a table of the steps, then one of the cases that did not succeed.
pub(super) fn summary(job: &Job, now: Timestamp) -> String {
    let mut text = table(&facts(job, now));
    if !job.steps.is_empty() {
        text = text + "\n" + &table(&steps(&job.steps));
    }
    let cases = cases(&job.steps);
    if cases.len() > 1 {
        text = text + "\n" + &table(&cases);
    }
    text
}

fn facts(job: &Job, now: Timestamp) -> Vec<Vec<String>> {
    let paused = if job.paused { " (paused)" } else { "" };
    let mut facts = vec![fact("id", job.id), fact("status", format!("{}{paused}", job.status.word()))];
    facts.extend(job.cause.as_ref().map(|cause| fact("cause", self::cause(cause))));
    facts.push(fact("tenant", &job.tenant));
    facts.extend(job.labels.iter().map(|(key, value)| fact("label", format!("{key}={value}"))));
    facts.extend((job.priority != 0).then(|| fact("priority", job.priority)));
    facts.push(fact("submitted", format!("{:.0} ({} ago)", job.created_at, age(job.created_at, now))));
    facts.extend(job.finished_at.map(|at| fact("finished", format!("{at:.0}"))));
    facts.extend((job.attempt > 1).then(|| fact("attempt", job.attempt)));
    if job.status.is_final() {
        facts.push(fact("time", times(job)));
    }
    facts.extend(job.policy.iter().map(|decision| {
        let reason = decision.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        fact("policy", format!("{} {}{reason}", decision.policy, verdict(decision)))
    }));
    facts.extend(job.warnings.iter().map(|warning| fact("warning", warning)));
    facts.extend(job.annotations.iter().map(|(key, value)| fact("note", format!("{key}={value}"))));
    facts.extend(
        job.artifacts
            .iter()
            .map(|a| fact("artifact", format!("{}, {}, {}", a.path, bytes(a.bytes), a.digest))),
    );
    facts.extend(
        job.artifact_errors.iter().map(|e| fact("not kept", format!("{} {}: {}", e.path, e.code, e.detail))),
    );
    facts.extend(job.isolation.as_ref().into_iter().flat_map(receipt));
    facts
}

fn fact(name: &str, value: impl Display) -> Vec<String> {
    vec![name.into(), plain(&value.to_string())]
}

fn cause(cause: &Cause) -> String {
    let place = [("step", &cause.step), ("case", &cause.case), ("policy", &cause.policy)];
    let place = place.into_iter().find_map(|(what, name)| Some(format!("{what} {}: ", name.as_ref()?)));
    let figures = match (&cause.limit, cause.observed, cause.allowed) {
        (Some(limit), Some(observed), Some(allowed)) => format!(" ({limit}: {observed} of {allowed})"),
        _ => String::new(),
    };
    format!("{}{}{figures}", place.unwrap_or_default(), cause.detail)
}

fn verdict(decision: &model::Decision) -> String {
    serde_json::to_value(decision.verdict)
        .ok()
        .and_then(|word| Some(word.as_str()?.to_owned()))
        .unwrap_or_default()
}

fn times(job: &Job) -> String {
    let timing = job.timing;
    let parts = [
        ("admission", timing.admit_us),
        ("queue", timing.queue_us),
        ("sandbox", timing.setup_us),
        ("run", timing.run_us),
        ("artifacts", timing.collect_us),
    ];
    parts.map(|(name, us)| format!("{name} {}", time_us(us))).join(", ")
}

/// What was really enforced, in short.
fn receipt(receipt: &Receipt) -> Vec<Vec<String>> {
    let cgroup = format!("cgroup {} ({})", receipt.cgroup.version, list(&receipt.cgroup.controllers));
    let profiles: Vec<_> = receipt.seccomp.iter().map(|seccomp| seccomp.profile.as_str()).collect();
    let landlock =
        receipt.landlock_abi.map_or_else(|| "no landlock".into(), |abi| format!("landlock ABI {abi}"));
    let id = match receipt.id_map.kind {
        IdMapKind::PerSlot => format!("host id {} of its own", receipt.id_map.host_uid),
        IdMapKind::Image => {
            format!("host id {}, as all jobs of that user over images", receipt.id_map.host_uid)
        }
        IdMapKind::Single => format!("host id {}, the same for every job", receipt.id_map.host_uid),
    };
    let layers = [
        format!("namespaces {}", list(&receipt.namespaces)),
        format!("seccomp {}", list(&profiles)),
        landlock,
        cgroup,
        format!("swap {}", receipt.swap),
        format!("network {}", receipt.network),
        root_filesystem(receipt),
        id,
    ];
    let volumes = receipt.volumes.iter().map(|volume| {
        let how = if volume.read_only { " (read-only)" } else { "" };
        format!("volume {} at {}{how}", volume.name, volume.path)
    });
    let mut facts: Vec<_> = layers.into_iter().chain(volumes).map(|layer| fact("isolation", layer)).collect();
    if !receipt.degraded.is_empty() {
        facts.push(fact("missing", list(&receipt.degraded)));
    }
    facts
}

fn root_filesystem(receipt: &Receipt) -> String {
    match &receipt.image {
        Some(image) => format!("root filesystem {} ({})", image.reference, image.digest),
        None => format!("root filesystem {}", receipt.root_filesystem),
    }
}

fn steps(steps: &[StepResult]) -> Vec<Vec<String>> {
    let head =
        ["STEP", "STATUS", "EXIT", "WALL", "CPU", "MEMORY", "STDOUT", "STDERR", "CASES"].map(String::from);
    std::iter::once(head.into()).chain(steps.iter().map(step)).collect()
}

fn step(step: &StepResult) -> Vec<String> {
    let own = step.exit_code.map(|code| code.to_string()).or_else(|| step.signal.clone());
    let succeeded = step.cases.iter().filter(|case| case.status == Status::Succeeded).count();
    let cases = (!step.cases.is_empty()).then(|| format!("{succeeded} of {} succeeded", step.cases.len()));
    vec![
        plain(&step.name),
        step.status.word().to_owned(),
        own.unwrap_or_else(|| "-".into()),
        time_us(step.usage.wall_time_us),
        step.usage.cpu_time_us.map_or_else(|| "-".into(), time_us),
        step.usage.memory_peak_bytes.map_or_else(|| "-".into(), bytes),
        printed(&step.stdout),
        printed(&step.stderr),
        cases.unwrap_or_default(),
    ]
}

fn printed(output: &model::Output) -> String {
    format!("{}{}", bytes(output.bytes), if output.truncated { " (cut)" } else { "" })
}

fn cases(steps: &[StepResult]) -> Vec<Vec<String>> {
    let failed = |case: &&CaseResult| !matches!(case.status, Status::Succeeded | Status::Skipped);
    let all: Vec<_> = steps
        .iter()
        .flat_map(|step| step.cases.iter().filter(failed).map(|case| (&step.name, case)))
        .collect();
    let head = ["CASE", "STATUS", "WHY"].map(String::from).into();
    let rows = all.iter().take(CASES).map(|(step, case)| {
        let why = case.cause.as_ref().map_or_else(String::new, |cause| plain(&self::cause(cause)));
        vec![plain(&format!("{step}/{}", case.name)), case.status.word().to_owned(), why]
    });
    let more = all.len().saturating_sub(CASES);
    let more = (more > 0).then(|| vec![format!("and {more} more")]);
    std::iter::once(head).chain(rows).chain(more).collect()
}

#[cfg(test)]
mod tests;
