//! `job`: what the job asks for, as it stands at this point of the chain.

use std::collections::BTreeSet;

use model::{CaseSpec, JobSpec, Limits, StepSpec, VolumeSpec};
use sha2::{Digest, Sha256};

use super::State;
use super::search::Texts;
use crate::bindings::job::{Case, File, Host, Volume};
use crate::bindings::types::Pair;
use crate::cache::hex;
use crate::document;
use crate::policy::network_mode;
use crate::witness::{Answer, View};

/// Hashed between two looks at the time.
const PIECE: usize = 256 << 10;

impl State {
    fn spec<T: Answer>(&mut self, of: impl Fn(&JobSpec) -> T + Send + Sync + 'static) -> T {
        self.ask(move |view| of(view.spec()))
    }

    fn step<T: Answer>(
        &mut self,
        step: u32,
        of: impl Fn(&StepSpec) -> T + Send + Sync + 'static,
    ) -> Option<T> {
        self.spec(move |spec| spec.steps.get(step as usize).map(&of))
    }

    /// Of all steps the largest.
    fn largest(&mut self, of: impl Fn(&Limits) -> u64 + Send + Sync + 'static) -> u64 {
        self.spec(move |spec| spec.steps.iter().map(|step| of(&step.limits)).max().unwrap_or(0))
    }
}

fn case(case: &CaseSpec) -> Case {
    Case { name: case.name.clone(), args: case.args.clone(), checker: case.checker().to_vec() }
}

impl Host for State {
    fn id(&mut self) -> String {
        self.witness.look().about.id.to_string()
    }

    fn tenant(&mut self) -> String {
        self.ask(|view| view.about.tenant.clone())
    }

    fn submitter(&mut self) -> String {
        self.ask(|view| view.about.submitter.clone())
    }

    fn image(&mut self) -> String {
        self.spec(|spec| spec.image.clone())
    }

    fn image_digest(&mut self) -> Option<String> {
        self.spec(|spec| spec.image_digest.clone())
    }

    fn step_count(&mut self) -> u32 {
        self.spec(|spec| u32::try_from(spec.steps.len()).unwrap_or(u32::MAX))
    }

    fn step_name(&mut self, step: u32) -> Option<String> {
        self.step(step, |step| step.name.clone())
    }

    fn step_command(&mut self, step: u32) -> Option<Vec<String>> {
        self.ask(move |view| {
            let command = &view.spec().steps.get(step as usize)?.command;
            Some(view.timed(command.iter()).cloned().collect())
        })
    }

    fn step_cases(&mut self, step: u32) -> Option<Vec<Case>> {
        self.ask(move |view| {
            let cases = &view.spec().steps.get(step as usize)?.cases;
            Some(view.timed(cases.iter()).map(case).collect())
        })
    }

    fn commands_may_contain(&mut self, texts: Vec<String>) -> bool {
        let texts = Texts::new(&texts);
        self.witness.ask(texts.bytes(), move |view| {
            let words = view.spec().steps.iter().flat_map(StepSpec::words_of_commands);
            texts.may_be_in(&words.map(String::as_bytes))
        })
    }

    fn step_workdir(&mut self, step: u32) -> Option<String> {
        self.step(step, |step| step.workdir.clone())
    }

    fn step_profile(&mut self, step: u32) -> Option<String> {
        self.step(step, |step| step.profile.clone())
    }

    fn step_limit(&mut self, step: u32, name: String) -> Option<u64> {
        let bytes = name.len();
        let limit = move |view: &View| view.spec().steps.get(step as usize)?.limits.by_name(&name);
        self.witness.ask(bytes, limit)
    }

    fn cpu_time_ms(&mut self) -> u64 {
        self.largest(|limits| limits.cpu_time_ms)
    }

    fn wall_time_ms(&mut self) -> u64 {
        self.largest(|limits| limits.wall_time_ms)
    }

    fn memory_bytes(&mut self) -> u64 {
        self.largest(|limits| limits.memory_bytes)
    }

    fn pids(&mut self) -> u64 {
        self.largest(|limits| limits.pids)
    }

    fn output_bytes(&mut self) -> u64 {
        self.largest(|limits| limits.output_bytes)
    }

    fn disk_bytes(&mut self) -> u64 {
        self.spec(|spec| spec.disk_bytes)
    }

    fn open_files(&mut self) -> u64 {
        self.largest(|limits| limits.open_files)
    }

    fn file_bytes(&mut self) -> u64 {
        self.largest(|limits| limits.file_bytes)
    }

    fn stack_bytes(&mut self) -> u64 {
        self.largest(|limits| limits.stack_bytes)
    }

    fn cpu_millis(&mut self) -> u64 {
        self.largest(|limits| limits.by_name("cpus").unwrap_or(0))
    }

    fn env_names(&mut self) -> Vec<String> {
        self.ask(|view| {
            let steps = view.spec().steps.iter();
            let cases = steps.clone().flat_map(|step| &step.cases).flat_map(|case| case.env.keys());
            let names = steps.flat_map(|step| step.env.keys()).chain(cases);
            let names: BTreeSet<&String> = view.timed(names).collect();
            names.into_iter().cloned().collect()
        })
    }

    fn files(&mut self) -> Vec<File> {
        let file = |file: &model::FileSpec| File {
            path: file.path.clone(),
            bytes: file.contents.len() as u64,
            mode: file.mode,
        };
        self.spec(move |spec| spec.files.iter().map(file).collect())
    }

    fn file_digest(&mut self, path: String) -> Option<String> {
        let view = self.witness.look();
        let file = view.spec().files.iter().find(|file| file.path == path)?;
        // A blob has it for a name.
        let name = file.contents.digest().map(str::to_owned);
        name.or_else(|| {
            let pieces = file.contents.chunks(PIECE).take_while(|_| view.in_time());
            let digest = pieces.fold(Sha256::new(), Digest::chain_update);
            (!view.is_cut()).then(|| format!("sha256:{}", hex(&digest.finalize())))
        })
    }

    fn volumes(&mut self) -> Vec<Volume> {
        let volume = |volume: &VolumeSpec| Volume {
            name: volume.name.clone(),
            path: volume.path.clone(),
            read_only: volume.read_only,
        };
        self.spec(move |spec| spec.volumes.iter().map(volume).collect())
    }

    fn network_mode(&mut self) -> String {
        self.spec(|spec| network_mode(spec).into())
    }

    fn network_hosts(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn user(&mut self) -> u32 {
        self.spec(|spec| spec.user)
    }

    fn artifacts(&mut self) -> Vec<String> {
        self.spec(|spec| spec.artifacts.clone())
    }

    fn labels(&mut self) -> Vec<Pair> {
        let pair = |(key, value): (&String, &String)| Pair { key: key.clone(), value: value.clone() };
        self.spec(move |spec| spec.labels.iter().map(pair).collect())
    }

    fn label(&mut self, key: String) -> Option<String> {
        self.witness.ask(key.len(), move |view| view.spec().labels.get(&key).cloned())
    }

    fn priority(&mut self) -> i32 {
        self.spec(|spec| spec.priority)
    }

    fn max_attempts(&mut self) -> u32 {
        self.spec(|spec| spec.max_attempts)
    }

    fn requirements(&mut self) -> Vec<String> {
        self.spec(|spec| spec.require.clone())
    }

    fn json(&mut self, pointer: String) -> Option<String> {
        let (view, document) = self.job_document();
        document::at(document, &pointer, || view.in_time())
    }
}
