use std::process::ExitCode;
use std::sync::{PoisonError, RwLock};

use libtest_mimic::{Arguments, Trial};

use crate::who::installed;
use crate::{Who, binary, stockade, who};

/// Held shared by ordinary cases, alone by those that measure time or count what is left behind.
static QUIET: RwLock<()> = RwLock::new(());

/// What a case needs of the host besides stockade.
#[derive(Clone, Copy, Debug)]
pub enum Needs {
    Program(&'static str),
    /// Anything else: the reason why not, if so.
    Host(fn() -> Option<&'static str>),
}

#[derive(Clone, Debug)]
pub struct Case {
    name: String,
    run: fn(Who),
    who: Vec<Who>,
    needs: Vec<Needs>,
    alone: bool,
}

impl Case {
    /// For root and an ordinary user.
    pub fn new(path: &str, run: fn(Who)) -> Self {
        // The first part is the suite's own name.
        let name = path.split_once("::").map_or(path, |(_, name)| name);
        Self { name: name.into(), run, who: vec![Who::Root, Who::User], needs: Vec::new(), alone: false }
    }

    #[must_use]
    pub fn only(mut self, who: &[Who]) -> Self {
        self.who = who.to_vec();
        self
    }

    #[must_use]
    pub fn needs(mut self, needs: Needs) -> Self {
        self.needs.push(needs);
        self
    }

    /// No other case of the suite runs meanwhile.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    fn trial(&self, who: Who) -> Trial {
        let Self { name, run, alone, .. } = self.clone();
        let missing = who.missing().map(String::from).or_else(|| self.needs.iter().find_map(Needs::missing));
        let trial = Trial::test(format!("{}::{name}", who.name()), move || {
            // Cargo may wait for another cargo, which is no part of any time that a case measures.
            stockade();
            if alone {
                let _quiet = QUIET.write().unwrap_or_else(PoisonError::into_inner);
                run(who);
            } else {
                let _others = QUIET.read().unwrap_or_else(PoisonError::into_inner);
                run(who);
            }
            Ok(())
        });
        match missing {
            Some(reason) => trial.with_kind(format!("skipped: {reason}")).with_ignored_flag(true),
            None => trial,
        }
    }
}

impl Needs {
    fn missing(&self) -> Option<String> {
        match self {
            Self::Program(name) => (!installed(name)).then(|| format!("{name} is not installed")),
            Self::Host(reason) => reason().map(String::from),
        }
    }
}

/// The `main` of a suite.
pub fn main(cases: &[Case]) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Two cores are what the suites are tuned for: more at once would only measure each other.
    arguments.test_threads.get_or_insert(2);
    let trials = cases.iter().flat_map(|case| case.who.iter().map(|who| case.trial(*who))).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    tidy();
    conclusion.exit_code()
}

/// Removes what was prepared for users and the copy of the binary; the last thing a program does that used either.
pub fn tidy() {
    who::tidy();
    binary::remove_copy();
}
