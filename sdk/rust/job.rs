use alloc::string::String;
use alloc::vec::Vec;

use crate::host::job;
use crate::{File, Limit, Pair, Step, Volume};

/// The job as it stands at this point of the chain: defaults filled in, patches of earlier policies applied.
///
/// Every call asks the service anew; keep what is needed twice.
#[derive(Debug)]
pub struct Job {
    _current: (),
}

impl Job {
    pub(crate) fn current() -> Self {
        Self { _current: () }
    }

    /// A UUID.
    pub fn id(&self) -> String {
        job::id()
    }

    /// Whose job it is.
    pub fn tenant(&self) -> String {
        job::tenant()
    }

    /// Who sent it: `local` for `stockade run`, `anonymous` for a request without a token, else the token's name.
    pub fn submitter(&self) -> String {
        job::submitter()
    }

    /// The root filesystem: `host`, or an image reference.
    pub fn image(&self) -> String {
        job::image()
    }

    /// `sha256:…` of the image's manifest; none for `host`.
    pub fn image_digest(&self) -> Option<String> {
        job::image_digest()
    }

    /// The steps in their order; there is at least one.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = Step> + use<> {
        // A range of u32 has no exact size, one of usize does.
        (0..job::step_count() as usize).map(Step::new)
    }

    /// Whether any of `texts` is in any word of a command that the job may run: a step's own, those of its cases and of their
    /// checkers. Asked first, it keeps a policy that looks for few things from being called about most jobs, for an answer is
    /// given again where it would be the same. True, unseen, of jobs whose words have more than 64 KiB together (16 bytes more
    /// for each), and for more than 64 texts or 4 KiB of them.
    pub fn commands_may_contain(&self, texts: &[&str]) -> bool {
        job::commands_may_contain(&owned(texts))
    }

    /// Of all steps the largest.
    pub fn limit(&self, limit: Limit) -> u64 {
        match limit {
            Limit::CpuTimeMs => job::cpu_time_ms(),
            Limit::WallTimeMs => job::wall_time_ms(),
            Limit::MemoryBytes => job::memory_bytes(),
            Limit::Pids => job::pids(),
            Limit::OutputBytes => job::output_bytes(),
            Limit::DiskBytes => job::disk_bytes(),
            Limit::OpenFiles => job::open_files(),
            Limit::FileBytes => job::file_bytes(),
            Limit::StackBytes => job::stack_bytes(),
            Limit::CpuMillis => job::cpu_millis(),
        }
    }

    pub fn memory_bytes(&self) -> u64 {
        job::memory_bytes()
    }

    pub fn wall_time_ms(&self) -> u64 {
        job::wall_time_ms()
    }

    /// CPUs in thousandths.
    pub fn cpu_millis(&self) -> u64 {
        job::cpu_millis()
    }

    /// Names of environment variables, of all steps together, sorted.
    pub fn env_names(&self) -> Vec<String> {
        job::env_names()
    }

    /// Files that the job brings, in the order of the request.
    pub fn files(&self) -> Vec<File> {
        job::files()
    }

    /// `sha256:…` of the contents; none where there is no such file.
    pub fn file_digest(&self, path: &str) -> Option<String> {
        job::file_digest(path)
    }

    pub fn volumes(&self) -> Vec<Volume> {
        job::volumes()
    }

    /// `none`, `allow` or `full`.
    pub fn network_mode(&self) -> String {
        job::network_mode()
    }

    /// For `allow`: hosts as in the request, such as `pypi.org:443`.
    pub fn network_hosts(&self) -> Vec<String> {
        job::network_hosts()
    }

    /// Numeric user id inside the job.
    pub fn user(&self) -> u32 {
        job::user()
    }

    /// Globs of the files to collect.
    pub fn artifacts(&self) -> Vec<String> {
        job::artifacts()
    }

    pub fn labels(&self) -> Vec<Pair> {
        job::labels()
    }

    pub fn label(&self, key: &str) -> Option<String> {
        job::label(key)
    }

    /// Larger is sooner; 0 for a job that does not say.
    pub fn priority(&self) -> i32 {
        job::priority()
    }

    /// How often the job may be started, 1 for a job that is not retried.
    pub fn max_attempts(&self) -> u32 {
        job::max_attempts()
    }

    /// Layers the job must not run without, such as `cgroup.memory`.
    pub fn requirements(&self) -> Vec<String> {
        job::requirements()
    }

    /// The value at a JSON pointer (RFC 6901) into the whole document as JSON text; the empty pointer is the whole of it.
    pub fn json(&self, pointer: &str) -> Option<String> {
        job::json(pointer)
    }
}

/// As the contract takes them.
pub(crate) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| String::from(*text)).collect()
}
