//! The command line as typed. Docker's letters keep Docker's meaning.

mod value;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use daemon::{LogFormat, Settings};
use model::{CommitRequest, VolumeRequest};

use crate::cancel::{CancelArgs, RmArgs};
use crate::completion::{CompleteArgs, FOR_COMPLETION};
use crate::config::ConfigArgs;
use crate::image::ImageArgs;
use crate::inspect::InspectArgs;
use crate::logs::LogsArgs;
use crate::man::ManArgs;
use crate::pause::{PauseArgs, ResumeArgs};
use crate::policy::PolicyArgs;
use crate::ps::PsArgs;
use crate::submit::SubmitArgs;
use crate::token::TokenArgs;
use crate::units::{duration_ms, size_bytes};
use crate::volume::VolumeArgs;
pub(crate) use value::Ulimit;
use value::{commit, ulimit, volume};

/// Runs untrusted programs in rootless, hardened sandboxes
#[derive(Debug, Parser)]
#[command(name = "stockade", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Run(Box<RunArgs>),
    Submit(Box<SubmitArgs>),
    Ps(PsArgs),
    Logs(LogsArgs),
    Inspect(InspectArgs),
    Cancel(CancelArgs),
    Pause(PauseArgs),
    Resume(ResumeArgs),
    Rm(RmArgs),
    Image(ImageArgs),
    Volume(VolumeArgs),
    Serve(ServeArgs),
    Policy(PolicyArgs),
    Config(ConfigArgs),
    Token(TokenArgs),
    Doctor(DoctorArgs),
    Completion(CompletionArgs),
    Man(ManArgs),
    #[command(hide = true, name = FOR_COMPLETION)]
    Complete(CompleteArgs),
}

/// Run one command in a fresh sandbox, without a daemon
///
/// Input, output, signals and exit code are the command's own. Exit code 125 means Stockade failed or refused, 126 that
/// the command is not executable, 127 that it was not found, 128+N that signal N ended it (137 when a limit did).
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: stockade run --memory 256m --wall 10s -- python3 -c 'print(6 * 7)'")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag a person types")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// Accepted as in Docker: stdin is always connected
    #[arg(short, long)]
    pub(crate) interactive: bool,
    /// Give the command a terminal
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) tty: bool,
    /// Print the finished job as JSON, its output included
    #[arg(long)]
    pub(crate) json: bool,
    /// Print what would be done as JSON and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Whether the image is fetched from its registry
    #[arg(long, value_name = "WHEN", default_value = "missing", requires = "image")]
    pub(crate) pull: PullWhen,
    #[command(flatten)]
    pub(crate) state: StateArgs,
    #[command(flatten)]
    pub(crate) host: HostArgs,
    /// The command and its arguments [default: the image's]
    #[arg(required_unless_present = "image", trailing_var_arg = true, value_name = "CMD")]
    pub(crate) command: Vec<String>,
}

/// What a job is beside its command: the same for every verb that makes one.
#[derive(Debug, clap::Args)]
pub(crate) struct JobArgs {
    /// Seccomp profile: strict, default, build or one of the settings file
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Network of the job: a namespace of its own with loopback only
    #[arg(long, value_name = "MODE", default_value = "none")]
    pub(crate) network: NetworkMode,
    /// Memory, swap off, files included [units: b, k, m, g]
    #[arg(short, long, value_name = "SIZE", value_parser = size_bytes)]
    pub(crate) memory: Option<u64>,
    /// CPUs used at once, such as 0.5
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cpus: Option<f64>,
    /// Processes and threads at one time
    #[arg(long, visible_alias = "pids", value_name = "NUMBER")]
    pub(crate) pids_limit: Option<u64>,
    /// Elapsed time [units: ms, s, m, h]
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) wall: Option<u64>,
    /// CPU time of all processes together [units: ms, s, m, h]
    #[arg(long, value_name = "DURATION", value_parser = duration_ms)]
    pub(crate) cpu_time: Option<u64>,
    /// Bytes that /workspace, /tmp and /dev/shm hold together
    #[arg(long, value_name = "SIZE", value_parser = size_bytes)]
    pub(crate) disk: Option<u64>,
    /// Bytes of output, for stdout and stderr each
    #[arg(long, value_name = "SIZE", value_parser = size_bytes)]
    pub(crate) output_limit: Option<u64>,
    /// Open files, bytes of one file, bytes of stack: nofile=N, fsize=SIZE, stack=SIZE
    #[arg(long, value_name = "NAME=VALUE", value_parser = ulimit)]
    pub(crate) ulimit: Vec<(Ulimit, u64)>,
    /// Set a variable; without a value it is copied from this environment
    #[arg(short, long, value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<String>,
    /// Working directory inside the sandbox [default: the image's, else /workspace]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) workdir: Option<String>,
    /// User inside the sandbox: ids, or names that the image knows [default: the image's, 1000 without one]
    #[arg(short, long, value_name = "USER[:GROUP]")]
    pub(crate) user: Option<String>,
    /// Copy a file into /workspace, keeping its permission bits
    #[arg(long, value_name = "HOSTPATH[:PATH]")]
    pub(crate) file: Vec<String>,
    /// Root filesystem [default: host, a read-only view of the machine's own /usr]
    #[arg(long, value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    /// Show the job this volume there; made when it is first named
    #[arg(short, long, value_name = "NAME:PATH[:ro]", value_parser = volume)]
    pub(crate) volume: Vec<VolumeRequest>,
    /// When the command has succeeded, make an image of what it has changed, with `,workspace` of that too
    #[arg(long, value_name = "NAME[,workspace]", value_parser = commit)]
    pub(crate) commit: Option<CommitRequest>,
    /// Refuse to run without this layer, such as cgroup.memory or landlock>=4
    #[arg(long, value_name = "LAYER")]
    pub(crate) require: Vec<String>,
}

/// Start the HTTP server
///
/// Settings come from the file, then from `STOCKADE_…` variables (such as `STOCKADE_LISTEN`), then from these options; later
/// ones win.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Address and port, or unix:/PATH; may be given again; port 0 takes a free one [default: 127.0.0.1:7070]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Vec<String>,
    /// Certificate chain (PEM) for addresses with a port; needs --tls-key
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Take tokens from beyond loopback without TLS: for a proxy in front that does it
    #[arg(long)]
    allow_plaintext: bool,
    #[command(flatten)]
    state: StateArgs,
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<Format>,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

/// Where the daemon keeps its tokens and jobs.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StateArgs {
    /// State directory [default: /var/lib/stockade as root, else ~/.local/state/stockade]
    #[arg(long, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// Check whether this host can run sandboxes, and say what to mend
///
/// Exits with 1 when a check fails.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Print the checks as a JSON array
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the commands for root that prepare cgroups for this user, and do nothing else
    #[arg(long, conflicts_with = "json")]
    pub(crate) print_setup: bool,
    #[command(flatten)]
    pub(crate) host: HostArgs,
}

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionArgs {
    pub(crate) shell: clap_complete::Shell,
}

/// What this host gives its jobs: the same for every verb that starts the launcher.
#[derive(Debug, clap::Args)]
pub(crate) struct HostArgs {
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Go on without this layer where it cannot be had: cgroup, cgroup.memory, cgroup.pids, cgroup.cpu, cgroup.swap, landlock
    #[arg(long, value_name = "LAYER", value_delimiter = ',')]
    allow_degraded: Vec<String>,
    /// Show the job this host path, read-only
    #[arg(long, value_name = "PATH")]
    host_path: Vec<PathBuf>,
    /// Ask the policies of this bundle about every job: a file, or one that is shipped (`stockade policy ls`)
    #[arg(long, value_name = "BUNDLE")]
    policies: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum NetworkMode {
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PullWhen {
    /// When it is not here yet
    Missing,
    /// Each time: a tag may have moved
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl HostArgs {
    pub(crate) fn settings(&self) -> Settings {
        let layers: BTreeSet<_> = self.allow_degraded.iter().cloned().collect();
        Settings {
            allow_degraded: (!layers.is_empty()).then_some(layers),
            host_paths: (!self.host_path.is_empty()).then(|| self.host_path.clone()),
            policies: self.policies.clone(),
            ..Settings::default()
        }
    }
}

impl ServeArgs {
    pub(crate) fn settings(&self) -> Settings {
        let format = self.log_format.map(|format| match format {
            Format::Text => LogFormat::Text,
            Format::Json => LogFormat::Json,
        });
        Settings {
            listen: (!self.listen.is_empty()).then(|| self.listen.clone()),
            tls_cert: self.tls_cert.clone(),
            tls_key: self.tls_key.clone(),
            allow_plaintext: self.allow_plaintext.then_some(true),
            state_dir: self.state.state_dir.clone(),
            log_format: format,
            ..self.host.settings()
        }
    }
}
