//! One program of the job: from the clone in init to its exec.

use std::ffi::CString;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::Instant;

use landlock::RulesetCreated;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::SigSet;
use nix::unistd::{chdir, execve, getcwd, pipe2};

use super::{Built, Job, StepGroup, affinity};
use crate::USUAL_UMASK;
use crate::plan::{Rlimit, RlimitName, StepPlan};
use crate::seccomp::Program as Filter;
use crate::step::{At, Step, StepError};
use crate::sys::{self, Cloned};

/// What a program's stdin, stdout and stderr are.
#[derive(Debug)]
pub(crate) enum Stdio {
    Pipes([OwnedFd; 3]),
    Terminal(OwnedFd),
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) pid: i32,
    pub(crate) since: Instant,
    /// Holds one `StepError` when the program never came to run; empty and closed by a successful exec.
    pub(crate) failure: OwnedFd,
}

pub(crate) fn start(job: &Job, built: &mut Built, index: usize, stdio: &Stdio) -> Result<Running, StepError> {
    let step = &job.plan.steps[index];
    let filter = &job.plan.seccomp[step.seccomp].program;
    // Everything that allocates, before the clone.
    let image = Image::new(step).at(Step::Exec, 0)?;
    let (failure, report) = pipe2(OFlag::O_CLOEXEC).at(Step::Fork, 0)?;
    let since = Instant::now();
    let group = &job.steps[index];
    let into = group.entry.into.as_ref().map(AsFd::as_fd);
    match sys::clone_process(0, into).at(Step::Fork, 1)? {
        Cloned::Parent { pid, pidfd: _ } => Ok(Running { pid, since, failure }),
        Cloned::Child => {
            let fewer = affinity::fewer(step, &job.processors).map_or(Ok(()), affinity::confine);
            let error = fewer.and_then(|()| {
                become_program(step, group, stdio, built.landlock.take(), filter, &image, &report)
            });
            let _ = io::stderr().flush();
            if let Err(error) = error {
                let bytes = postcard::to_stdvec(&error).unwrap_or_default();
                let _ = nix::unistd::write(&report, &bytes);
            }
            sys::exit_now(127)
        }
    }
}

/// The second page: what a child of init does to itself on its way to exec. Returns only with the step that failed.
fn become_program(
    step: &StepPlan,
    group: &StepGroup,
    stdio: &Stdio,
    landlock: Option<RulesetCreated>,
    filter: &Filter,
    image: &Image,
    report: &OwnedFd,
) -> Result<(), StepError> {
    // First, so that everything below counts as the step's. "0" as in init: a process that moves itself is cheap.
    group.entry.enter().at(Step::EnterStepCgroup, 0)?;
    // A session of its own: no signal and no TIOCSTI reaches a terminal of anyone else (CVE-2017-5226).
    nix::unistd::setsid().at(Step::Session, 0)?;
    prefer_as_oom_victim()?;
    take_stdio(stdio)?;
    // Inside the job's root and as the job's user. An "(unreachable)" directory would be one of the host's (CVE-2024-21626).
    chdir(step.workdir.as_str()).at(Step::WorkingDirectory, 0)?;
    let inside = getcwd().is_ok_and(|directory| directory.is_absolute());
    if !inside {
        return Err(StepError { step: Step::WorkingDirectory, index: 1, errno: libc::ENOENT });
    }
    nix::sys::stat::umask(USUAL_UMASK);
    // The last step that needs a descriptor of its own. Before limits: RLIMIT_NOFILE may be smaller than its number.
    if let Some(rules) = landlock {
        let failed = |_| StepError::new(Step::Restrict, 0, &io::Error::last_os_error());
        rules.restrict_self().map_err(failed)?;
    }
    // Closed, not only close-on-exec: an exec path like /proc/self/fd/N/… would still resolve (CVE-2024-21626).
    close_all_but(vec![0, 1, 2, report.as_raw_fd()]).at(Step::Stdio, 9)?;
    for (i, limit) in step.rlimits.iter().enumerate() {
        set_limit(limit).at(Step::Limits, i)?;
    }
    sys::default_signals();
    SigSet::empty().thread_set_mask().at(Step::Session, 1)?;
    // Last: every call above could then stay out of the profiles.
    filter.load().map_err(|_| StepError::new(Step::Seccomp, 0, &io::Error::last_os_error()))?;
    Err(image.exec())
}

/// proc(5): before init, which must live to report, and before anything of the host.
///
/// `/proc/self` belongs to another user while a process is not dumpable. No other process of the job is alive yet, and
/// exec replaces this memory, so nobody can look.
fn prefer_as_oom_victim() -> Result<(), StepError> {
    nix::sys::prctl::set_dumpable(true).at(Step::OomScore, 0)?;
    let path = c"/proc/self/oom_score_adj";
    let file = nix::fcntl::open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, nix::sys::stat::Mode::empty());
    nix::unistd::write(&file.at(Step::OomScore, 1)?, b"1000").at(Step::OomScore, 2).map(drop)
}

fn take_stdio(stdio: &Stdio) -> Result<(), StepError> {
    let [stdin, stdout, stderr] = match stdio {
        Stdio::Pipes([stdin, stdout, stderr]) => [stdin, stdout, stderr],
        Stdio::Terminal(terminal) => {
            sys::make_controlling_terminal(terminal.as_fd()).at(Step::Stdio, 0)?;
            [terminal; 3]
        }
    };
    nix::unistd::dup2_stdin(stdin).at(Step::Stdio, 1)?;
    nix::unistd::dup2_stdout(stdout).at(Step::Stdio, 2)?;
    nix::unistd::dup2_stderr(stderr).at(Step::Stdio, 3)
}

/// Only in a process that ends by exec or [`sys::exit_now`]: the closed ones are still named by Rust values.
pub(crate) fn close_all_but(mut keep: Vec<RawFd>) -> io::Result<()> {
    keep.sort_unstable();
    keep.dedup();
    let mut next = 0;
    for fd in keep.into_iter().map(RawFd::cast_unsigned) {
        if fd > next {
            sys::close_range(next, fd - 1)?;
        }
        next = fd + 1;
    }
    sys::close_range(next, u32::MAX)
}

fn set_limit(limit: &Rlimit) -> io::Result<()> {
    let resource = match limit.name {
        RlimitName::Core => Resource::RLIMIT_CORE,
        RlimitName::Cpu => Resource::RLIMIT_CPU,
        RlimitName::FileSize => Resource::RLIMIT_FSIZE,
        RlimitName::OpenFiles => Resource::RLIMIT_NOFILE,
        RlimitName::Stack => Resource::RLIMIT_STACK,
        RlimitName::LockedMemory => Resource::RLIMIT_MEMLOCK,
        RlimitName::MessageQueues => Resource::RLIMIT_MSGQUEUE,
        RlimitName::PendingSignals => Resource::RLIMIT_SIGPENDING,
    };
    // The host's own hard limit may be lower, and only CAP_SYS_RESOURCE could raise it.
    let (_, hard) = nix::sys::resource::getrlimit(resource)?;
    let value = limit.value.min(hard);
    let last = if limit.name == RlimitName::Cpu { (value + 1).min(hard) } else { value };
    Ok(setrlimit(resource, value, last)?)
}

/// What execve(2) takes, made before the clone.
struct Image {
    /// Tried one after another.
    paths: Vec<CString>,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Image {
    fn new(step: &StepPlan) -> io::Result<Self> {
        let strings = |texts: &[String]| -> io::Result<Vec<CString>> {
            texts.iter().map(|text| Ok(CString::new(text.as_str())?)).collect()
        };
        let program = &step.command[0];
        let paths = if program.contains('/') {
            vec![CString::new(program.as_str())?]
        } else {
            let path = step.env.iter().find_map(|v| v.strip_prefix("PATH=")).unwrap_or("/usr/bin:/bin");
            let folders = path.split(':').map(|folder| if folder.is_empty() { "." } else { folder });
            folders
                .map(|folder| Ok(CString::new(format!("{folder}/{program}"))?))
                .collect::<io::Result<_>>()?
        };
        Ok(Self { paths, arguments: strings(&step.command)?, environment: strings(&step.env)? })
    }

    /// As execvp(3): the first that can be run, or the most telling reason why none can.
    fn exec(&self) -> StepError {
        let mut reason = Errno::ENOENT;
        for path in &self.paths {
            let Err(errno) = execve(path, &self.arguments, &self.environment);
            match errno {
                Errno::ENOENT | Errno::ENOTDIR => (),
                Errno::EACCES => reason = errno,
                _ => return StepError { step: Step::Exec, index: 0, errno: errno as i32 },
            }
        }
        StepError { step: Step::Exec, index: 0, errno: reason as i32 }
    }
}
