//! The attacks of `attacks/`, each run as a job for every kind of user, and then all of them beside one another.

mod after;
mod attack;
mod bait;
mod golden;
mod itself;
mod judge;
mod stage;

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, PoisonError, RwLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use support::Who;

use attack::Attack;
use stage::Stages;

type Attacks = Arc<Vec<(String, Result<Attack, String>)>>;

/// Held shared by most attacks, alone by those that use up what the others need.
static QUIET: RwLock<()> = RwLock::new(());

fn main() -> ExitCode {
    bait::give_token();
    let mut arguments = Arguments::from_args();
    // More than there are cores: many attacks mostly wait for a limit to end them.
    arguments.test_threads.get_or_insert(4);
    let attacks: Attacks = Arc::new(attack::all());
    let stages = Arc::new(Stages::default());
    let mut trials = itself::trials();
    for who in Who::ALL {
        trials.extend((0..attacks.len()).map(|index| trial(who, &attacks, index, &stages)));
    }
    let first = libtest_mimic::run(&arguments, trials);
    // Their daemons end before the next part counts what there is.
    drop(stages);
    let second = support::main(&after::cases());
    if first.has_failed() { first.exit_code() } else { second }
}

fn trial(who: Who, attacks: &Attacks, index: usize, stages: &Arc<Stages>) -> Trial {
    let name = format!("{}::{}", who.name(), attacks[index].0);
    let (attacks, stages) = (Arc::clone(attacks), Arc::clone(stages));
    let trial = Trial::ignorable_test(name, move || run(who, &attacks, index, &stages));
    match missing(who).or_else(unfit) {
        Some(reason) => trial.with_kind(format!("skipped: {reason}")).with_ignored_flag(true),
        None => trial,
    }
}

fn run(who: Who, attacks: &Attacks, index: usize, stages: &Stages) -> Result<Completion, Failed> {
    let find = |name: &str| attacks.iter().find(|(known, _)| known == name);
    let attack = attacks[index].1.as_ref().map_err(|mistake| format!("header: {mistake}"))?;
    let pair = attack.pair.as_deref().and_then(find).and_then(|(_, pair)| pair.as_ref().ok());
    let skipped = if attack.alone {
        let _alone = QUIET.write().unwrap_or_else(PoisonError::into_inner);
        stages.attack(who, attack, pair)
    } else {
        let _others = QUIET.read().unwrap_or_else(PoisonError::into_inner);
        stages.attack(who, attack, pair)
    };
    match skipped.as_slice() {
        [] => Ok(Completion::Completed),
        reasons => Ok(Completion::ignored_with(reasons.join("; "))),
    }
}

/// Why no attack can be run here.
fn unfit() -> Option<&'static str> {
    if !cfg!(target_arch = "x86_64") {
        return Some("the attacks are written for x86_64");
    }
    (!installed("gcc")).then_some("gcc is not installed")
}

/// Why nothing can be run as this user here.
fn missing(who: Who) -> Option<&'static str> {
    let root = nix::unistd::geteuid().is_root();
    match who {
        Who::Root if !root => Some("the suite was not started as root"),
        Who::UserWithSubuid if !root => Some("only root can make an account with a subuid range"),
        Who::UserWithSubuid if !installed("useradd") => Some("useradd is not installed"),
        Who::UserWithSubuid if !installed("newuidmap") => Some("newuidmap (Debian: uidmap) is not installed"),
        _ => None,
    }
}

fn installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&folders).chain([Path::new("/usr/sbin").into()]).collect();
    folders.iter().any(|folder| folder.join(program).exists())
}
