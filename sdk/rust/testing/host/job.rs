use sha2::{Digest, Sha256};

use crate::files::MAX_LOOK;
use crate::testing::document::{at, document};
use crate::testing::fake::with;
use crate::testing::{Job, Step};
use crate::{Case, File, Limit, Pair, Volume};

fn of<T>(read: impl FnOnce(&Job) -> T) -> T {
    with(|call| read(&call.job))
}

fn of_step<T>(step: u32, read: impl FnOnce(&Step) -> T) -> Option<T> {
    of(|job| job.steps.get(step as usize).map(read))
}

fn largest(limit: Limit) -> u64 {
    of(|job| job.steps.iter().filter_map(|step| step.limits.get(&limit)).max().copied().unwrap_or(0))
}

macro_rules! fields {
    ($($function:ident: $field:ident: $kind:ty),+ $(,)?) => {
        $(pub(crate) fn $function() -> $kind {
            of(|job| job.$field.clone())
        })+
    };
}
fields!(id: id: String, tenant: tenant: String, submitter: submitter: String, image: image: String);
fields!(image_digest: image_digest: Option<String>, volumes: volumes: Vec<Volume>, network_mode: network_mode: String);
fields!(network_hosts: network_hosts: Vec<String>, artifacts: artifacts: Vec<String>);
fields!(requirements: requirements: Vec<String>);

macro_rules! limits {
    ($($function:ident: $limit:ident),+ $(,)?) => {
        $(pub(crate) fn $function() -> u64 {
            largest(Limit::$limit)
        })+
    };
}
limits!(cpu_time_ms: CpuTimeMs, wall_time_ms: WallTimeMs, memory_bytes: MemoryBytes, pids: Pids);
limits!(output_bytes: OutputBytes, disk_bytes: DiskBytes, open_files: OpenFiles, file_bytes: FileBytes);
limits!(stack_bytes: StackBytes, cpu_millis: CpuMillis);

pub(crate) fn step_count() -> u32 {
    of(|job| u32::try_from(job.steps.len()).unwrap_or(u32::MAX))
}

pub(crate) fn step_name(step: u32) -> Option<String> {
    of_step(step, |step| step.name.clone())
}

pub(crate) fn step_command(step: u32) -> Option<Vec<String>> {
    of_step(step, |step| step.command.clone())
}

pub(crate) fn step_cases(step: u32) -> Option<Vec<Case>> {
    of_step(step, |step| step.cases.clone())
}

pub(crate) fn commands_may_contain(texts: &[String]) -> bool {
    of(|job| {
        let cases = job.steps.iter().flat_map(|step| &step.cases);
        let own = job.steps.iter().flat_map(|step| &step.command);
        let words = own.chain(cases.flat_map(|case| case.args.iter().chain(&case.checker)));
        may_contain(texts, words.map(|word| word.as_bytes()))
    })
}

/// By the contract's bounds.
pub(crate) fn may_contain<'a>(texts: &[String], pieces: impl Iterator<Item = &'a [u8]> + Clone) -> bool {
    let is_small = pieces.clone().map(|piece| piece.len() as u64 + 16).sum::<u64>() <= MAX_LOOK;
    let are_few = texts.len() <= 64 && texts.iter().map(String::len).sum::<usize>() <= 4096;
    let is_in = |text: &str, piece: &[u8]| {
        text.is_empty() || piece.windows(text.len()).any(|part| part == text.as_bytes())
    };
    !is_small || !are_few || texts.iter().any(|text| pieces.clone().any(|piece| is_in(text, piece)))
}

pub(crate) fn step_workdir(step: u32) -> Option<String> {
    of_step(step, |step| step.workdir.clone())
}

pub(crate) fn step_profile(step: u32) -> Option<String> {
    of_step(step, |step| step.profile.clone())
}

pub(crate) fn step_limit(step: u32, name: &str) -> Option<u64> {
    let limit = Limit::ALL.into_iter().find(|limit| limit.name() == name)?;
    of_step(step, |step| step.limits.get(&limit).copied())?
}

pub(crate) fn env_names() -> Vec<String> {
    of(|job| {
        let mut names: Vec<String> = job.steps.iter().flat_map(|step| step.env.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    })
}

pub(crate) fn files() -> Vec<File> {
    let file = |(path, contents): &(String, Vec<u8>)| File {
        path: path.clone(),
        bytes: contents.len() as u64,
        mode: 0o644,
    };
    of(|job| job.files.iter().map(file).collect())
}

pub(crate) fn file_digest(path: &str) -> Option<String> {
    of(|job| {
        let (_, contents) = job.files.iter().find(|(name, _)| name == path)?;
        let hex: String = Sha256::digest(contents).iter().map(|byte| format!("{byte:02x}")).collect();
        Some(format!("sha256:{hex}"))
    })
}

pub(crate) fn user() -> u32 {
    of(|job| job.user)
}

pub(crate) fn labels() -> Vec<Pair> {
    of(|job| job.labels.iter().map(|(key, value)| Pair { key: key.clone(), value: value.clone() }).collect())
}

pub(crate) fn label(key: &str) -> Option<String> {
    of(|job| job.labels.get(key).cloned())
}

pub(crate) fn priority() -> i32 {
    of(|job| job.priority)
}

pub(crate) fn max_attempts() -> u32 {
    of(|job| job.max_attempts)
}

pub(crate) fn json(pointer: &str) -> Option<String> {
    at(&of(document), pointer)
}
