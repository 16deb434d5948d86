use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use nix::unistd::{Uid, geteuid};

use crate::{cgroup_groups, stockade};

/// Who starts stockade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    Root,
    /// An ordinary user id without an account and without a subuid range.
    User,
    /// An account with a subuid range, made for this run and removed after it.
    UserWithSubuid,
}

const RANGE_FILES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];

/// Ids and names differ from run to run, so that two suites at one time do not undo each other's preparations.
fn number() -> u32 {
    std::process::id() % 4096
}

/// Nobody's: above accounts, below every range that is handed out.
fn plain() -> u32 {
    70_000 + number()
}

fn account() -> String {
    format!("stockade-test-{}", number())
}

const RANGE_COUNT: u32 = 65_536;

/// The range that subuid(5) gives to the ordinary user who started the suite, where the tools to use it are there.
fn own_range() -> Option<std::ops::RangeInclusive<u32>> {
    let uid = geteuid();
    let name = nix::unistd::User::from_uid(uid).ok().flatten().map(|user| user.name);
    let ranges =
        fs::read_to_string(RANGE_FILES[0]).ok().filter(|_| !uid.is_root() && installed("newuidmap"))?;
    ranges.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let ours =
            fields.first() == name.as_deref().as_ref() || fields.first() == Some(&uid.to_string().as_str());
        let number = |i: usize| fields.get(i).and_then(|field| field.trim().parse::<u32>().ok());
        let (first, count) = (number(1)?, number(2)?);
        ours.then(|| first..=first + count - 1)
    })
}

fn range_start() -> u32 {
    1_700_000_000 + number() * RANGE_COUNT
}

fn range_line() -> String {
    format!("{}:{}:{RANGE_COUNT}\n", account(), range_start())
}

/// What this run prepared, to be undone after it.
#[derive(Default)]
struct Prepared {
    /// Users whose cgroups are ready, with the shell's group on v2.
    cgroups: Vec<(Who, Option<PathBuf>)>,
    account: bool,
}

static PREPARED: Mutex<Prepared> = Mutex::new(Prepared { cgroups: Vec::new(), account: false });

impl Who {
    pub const ALL: [Self; 3] = [Self::Root, Self::User, Self::UserWithSubuid];

    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::UserWithSubuid => "subuid",
        }
    }

    pub fn uid(self) -> u32 {
        match self {
            Self::Root => 0,
            Self::User if !geteuid().is_root() => geteuid().as_raw(),
            Self::User => plain(),
            Self::UserWithSubuid => nix::unistd::User::from_name(&account())
                .ok()
                .flatten()
                .map_or_else(|| panic!("the account {} is missing", account()), |user| user.uid.as_raw()),
        }
    }

    fn gid(self) -> u32 {
        let account = nix::unistd::User::from_uid(Uid::from_raw(self.uid())).ok().flatten();
        account.map_or_else(plain, |account| account.gid.as_raw())
    }

    /// Whether jobs get host ids of their own: not the ordinary user's, unless whoever started the suite has a range.
    pub fn shares_one_id(self) -> bool {
        self == Self::User && own_range().is_none()
    }

    /// Why nothing can be run as this user here.
    pub(crate) fn missing(self) -> Option<&'static str> {
        let root = geteuid().is_root();
        match self {
            Self::Root if !root => Some("the suite was not started as root"),
            Self::User if !root && !jobs_run() => {
                Some("`stockade doctor` fails for the user who started the suite")
            }
            Self::UserWithSubuid if !root => Some("only root can make an account with a subuid range"),
            Self::UserWithSubuid if !installed("useradd") => Some("useradd is not installed"),
            Self::UserWithSubuid if !installed("newuidmap") => {
                Some("newuidmap (Debian: uidmap) is not installed")
            }
            _ => None,
        }
    }

    /// The host ids that jobs of this user may carry.
    pub fn job_ids(self) -> std::ops::RangeInclusive<u32> {
        match self {
            Self::Root => 2_000_000_001..=2_000_065_535,
            Self::User => own_range().unwrap_or_else(|| self.uid()..=self.uid()),
            Self::UserWithSubuid => range_start()..=range_start() + RANGE_COUNT - 1,
        }
    }

    /// `program` as this user, standing where the commands of `doctor --print-setup` let it start jobs. The process
    /// that is spawned becomes the program: its pid is the program's.
    pub fn command(self, program: impl AsRef<OsStr>) -> Command {
        if self == Self::Root || !geteuid().is_root() {
            return Command::new(program);
        }
        let shell = self.prepare();
        let mut command = self.shed(shell.as_deref());
        command.arg(program);
        command
    }

    fn shed(self, shell: Option<&Path>) -> Command {
        let enter =
            shell.map_or_else(String::new, |group| format!("echo 0 > {}/cgroup.procs; ", group.display()));
        let (uid, gid) = (self.uid(), self.gid());
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!(
            "{enter}exec setpriv --reuid={uid} --regid={gid} --clear-groups --inh-caps=-all -- \"$@\""
        ));
        command.arg("sh").current_dir("/").env("HOME", "/").env("USER", self.name());
        command
    }

    /// Runs, as root, just what `doctor --print-setup` tells this user.
    fn prepare(self) -> Option<PathBuf> {
        let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, shell)) = prepared.cgroups.iter().find(|(who, _)| *who == self) {
            return shell.clone();
        }
        if self == Self::UserWithSubuid {
            make_account();
            prepared.account = true;
        }
        let mut doctor = self.shed(None);
        let printed = doctor.arg(stockade()).args(["doctor", "--print-setup"]).output().expect("doctor runs");
        assert!(
            printed.status.success(),
            "doctor --print-setup: {}",
            String::from_utf8_lossy(&printed.stderr)
        );
        let script = String::from_utf8(printed.stdout).expect("a script is text");
        let mut shell = None;
        let mut now = String::new();
        for line in script.lines() {
            if let Some(file) = line.strip_prefix("echo PID > ") {
                shell = Path::new(file).parent().map(Path::to_path_buf);
                break;
            }
            now = now + line + "\n";
        }
        let done = Command::new("sh").args(["-e", "-c", &now]).output().expect("sh runs");
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "the script of doctor --print-setup failed: {error}\n{now}");
        prepared.cgroups.push((self, shell.clone()));
        shell
    }
}

fn jobs_run() -> bool {
    static RUN: OnceLock<bool> = OnceLock::new();
    *RUN.get_or_init(|| {
        let doctor = Command::new(stockade()).arg("doctor").output();
        doctor.is_ok_and(|doctor| doctor.status.success())
    })
}

fn make_account() {
    let account = account();
    if nix::unistd::User::from_name(&account).ok().flatten().is_none() {
        let made =
            Command::new("useradd").args(["--system", "--user-group", "--no-create-home", &account]).output();
        assert!(made.is_ok_and(|made| made.status.success()), "useradd {account} failed");
    }
    for file in RANGE_FILES {
        let text = fs::read_to_string(file).unwrap_or_default();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        if !text.contains(&range_line()) {
            fs::write(file, format!("{text}{end}{}", range_line())).expect("root writes /etc/subuid");
        }
    }
}

/// Takes back what [`Who::command`] prepared.
pub(crate) fn tidy() {
    let mut prepared = PREPARED.lock().unwrap_or_else(PoisonError::into_inner);
    for (who, _) in prepared.cgroups.drain(..) {
        // Deepest first.
        for group in cgroup_groups(&format!("stockade-user-{}", who.uid())).iter().rev() {
            fs::remove_dir(group).ok();
        }
    }
    if std::mem::take(&mut prepared.account) {
        for file in RANGE_FILES {
            let text = fs::read_to_string(file).unwrap_or_default();
            fs::write(file, text.replace(&range_line(), "")).ok();
        }
        Command::new("userdel").arg(account()).output().ok();
    }
}

pub(crate) fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(program)).any(|file| file.exists())
}

impl From<Who> for Uid {
    fn from(who: Who) -> Self {
        Self::from_raw(who.uid())
    }
}
