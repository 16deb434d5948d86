use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Compare, Content, Limits, LimitsRequest, Network, OnOutputLimit};

/// A job with nothing left open: made by [`crate::JobRequest::check`], the only input of the stages behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSpec {
    /// [`crate::HOST_IMAGE`], or the whole name of an image.
    pub image: String,
    /// `sha256:…` of the image's manifest, which is what the job really runs on; none for the host.
    pub image_digest: Option<String>,
    pub files: Vec<FileSpec>,
    /// At least one.
    pub steps: Vec<StepSpec>,
    pub disk_bytes: u64,
    pub on_output_limit: OnOutputLimit,
    pub network: Network,
    pub volumes: Vec<VolumeSpec>,
    pub artifacts: Vec<String>,
    pub user: u32,
    pub group: u32,
    pub labels: BTreeMap<String, String>,
    pub require: Vec<String>,
    pub priority: i32,
    pub max_attempts: u32,
    /// From the moment it is accepted; `None`: it may wait for ever.
    pub queue_timeout_ms: Option<u64>,
    pub commit: Option<CommitSpec>,
    pub callback: Option<Callback>,
    /// A terminal instead of pipes; only `stockade run -t` asks for one.
    pub tty: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSpec {
    pub name: String,
    pub command: Vec<String>,
    pub stdin: Content,
    /// The whole environment, Stockade's own defaults included.
    pub env: BTreeMap<String, String>,
    pub limits: Limits,
    pub workdir: String,
    pub profile: String,
    /// Where there are any, the command is run once for each, and not by itself.
    pub cases: Vec<CaseSpec>,
    /// At least 1.
    pub parallel: u32,
    pub fail_fast: bool,
}

/// What one run of a step's command has beside all that it takes from the step: see [`StepSpec::of_case`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseSpec {
    pub name: String,
    pub args: Vec<String>,
    pub stdin: Option<Content>,
    pub env: BTreeMap<String, String>,
    /// Never more than the step's, which policies may have lowered since.
    pub limits: LimitsRequest,
    pub expect: Option<Expect>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    pub stdout: Content,
    pub by: Judge,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judge {
    Compare { how: Compare, epsilon: f64 },
    Checker { command: Vec<String>, limits: LimitsRequest },
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    pub url: String,
    /// The key itself.
    pub secret: Content,
}

impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callback").field("url", &self.url).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitSpec {
    pub image: String,
    pub workspace: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    pub name: String,
    /// Absolute, no empty, `.` or `..` component; not below another one's.
    pub path: String,
    pub read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSpec {
    /// Relative, no `.` or `..` component, no NUL.
    pub path: String,
    pub mode: u32,
    pub contents: Content,
}

impl JobSpec {
    /// About what it takes in memory: all text that came with it.
    pub fn bytes(&self) -> usize {
        let steps: usize = self.steps.iter().map(StepSpec::bytes).sum();
        let files: usize = self.files.iter().map(|file| size_of::<FileSpec>() + file.path.len()).sum();
        let contents: usize = self.contents().map(|content| content.len()).sum();
        size_of::<Self>() + steps + files + contents + words(&self.artifacts) + pairs(&self.labels)
    }
}

fn words(words: &[String]) -> usize {
    words.iter().map(|word| size_of::<String>() + word.len()).sum()
}

fn pairs(pairs: &BTreeMap<String, String>) -> usize {
    pairs.iter().map(|(key, value)| 2 * size_of::<String>() + key.len() + value.len()).sum()
}

impl CaseSpec {
    /// The command that judges what was printed; empty where none does.
    pub fn checker(&self) -> &[String] {
        match self.expect.as_ref().map(|expect| &expect.by) {
            Some(Judge::Checker { command, .. }) => command,
            Some(Judge::Compare { .. }) | None => &[],
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + words(&self.args) + pairs(&self.env) + words(self.checker())
    }
}

impl StepSpec {
    fn bytes(&self) -> usize {
        let cases: usize = self.cases.iter().map(CaseSpec::bytes).sum();
        size_of::<Self>() + words(&self.command) + pairs(&self.env) + cases
    }

    /// Of all commands that it may run: its own, those of its cases and of their checkers.
    pub fn words_of_commands(&self) -> impl Iterator<Item = &String> + Clone {
        let cases = self.cases.iter().flat_map(|case| case.args.iter().chain(case.checker()));
        self.command.iter().chain(cases)
    }

    /// One case as a step of its own. Made when it is run, so that what policies changed of the step holds for its cases.
    #[must_use]
    pub fn of_case(&self, case: &CaseSpec) -> Self {
        let mut env = self.env.clone();
        env.extend(case.env.clone());
        Self {
            name: case.name.clone(),
            command: [&self.command[..], &case.args].concat(),
            stdin: case.stdin.clone().unwrap_or_else(|| self.stdin.clone()),
            limits: case.limits.within(&self.limits),
            env,
            ..self.alone()
        }
    }

    /// A checker of one of its cases, without the paths that it is called with.
    #[must_use]
    pub fn of_checker(&self, case: &CaseSpec, command: &[String], limits: &LimitsRequest) -> Self {
        let (name, command) = (case.name.clone(), command.to_vec());
        Self { name, command, stdin: Content::default(), limits: limits.within(&self.limits), ..self.alone() }
    }

    fn alone(&self) -> Self {
        Self {
            name: self.name.clone(),
            command: self.command.clone(),
            stdin: self.stdin.clone(),
            env: self.env.clone(),
            limits: self.limits.clone(),
            workdir: self.workdir.clone(),
            profile: self.profile.clone(),
            cases: Vec::new(),
            parallel: 1,
            fail_fast: false,
        }
    }
}

impl JobSpec {
    /// All bytes that came along with the job.
    pub fn contents(&self) -> impl Iterator<Item = &Content> {
        let files = self.files.iter().map(|file| &file.contents);
        let cases = self.steps.iter().flat_map(|step| &step.cases);
        let cases =
            cases.flat_map(|case| case.stdin.iter().chain(case.expect.as_ref().map(|expect| &expect.stdout)));
        files.chain(self.steps.iter().map(|step| &step.stdin)).chain(cases)
    }

    /// The same, to be filled in with the bytes of blobs.
    pub fn contents_mut(&mut self) -> impl Iterator<Item = &mut Content> {
        let files = self.files.iter_mut().map(|file| &mut file.contents);
        let steps = self.steps.iter_mut().flat_map(|step| {
            let cases = step.cases.iter_mut().flat_map(|case| {
                case.stdin.iter_mut().chain(case.expect.as_mut().map(|expect| &mut expect.stdout))
            });
            std::iter::once(&mut step.stdin).chain(cases)
        });
        files.chain(steps)
    }
}
