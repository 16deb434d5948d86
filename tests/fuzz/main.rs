//! Hostile bytes for everything that reads what others have written, for a few seconds each.
//!
//! Inputs are changed ones of `corpus/TARGET` and of what the product ships. What a target says of an input is its kind; the
//! first of each kind is changed further. An input that breaks a rule is written to the corpus, so that it is tried first from
//! then on. `STOCKADE_FUZZ_SECONDS` (5) is the time of one target, `STOCKADE_FUZZ_SEED` runs the same choices again, and
//! `STOCKADE_FUZZ_KEEP=1` writes the first of each new kind to the corpus.

mod change;
mod corpus;
mod hunt;
mod targets;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(2);
    let trials = targets::all().into_iter().map(|target| {
        Trial::test(target.name, move || {
            hunt::hunt(&target);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
