//! The binary `stockade`: hidden roles first, then the verbs.

#![forbid(unsafe_code)]

mod args;
mod cancel;
mod client;
mod completion;
mod config;
mod doctor;
mod exit;
mod image;
mod inspect;
mod list;
mod logs;
mod man;
mod output;
mod pause;
mod place;
mod policy;
mod progress;
mod ps;
mod request;
mod run;
mod serve;
mod signals;
mod start;
mod submit;
mod token;
mod units;
mod volume;

use std::env;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Args, Verb};

/// That of musl takes a fifth of the daemon's processor time.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // The launcher re-executes this binary by this name. Before anything else: it must have one thread and no state.
    let name = env::args_os().next();
    if name.as_ref().is_some_and(|name| name == sandbox::LAUNCHER_ROLE) {
        return sandbox::launcher_main(::image::tool::run);
    }
    if name.is_some_and(|name| name == admission::COMPILER_ROLE) {
        return admission::compiler_main();
    }
    let ours = match Args::try_parse() {
        Ok(args) => args.verb,
        Err(error) => return usage(&error),
    };
    let (failed, done) = match ours {
        Verb::Run(args) => (exit::RUN_FAILED, run::run(&args)),
        Verb::Submit(args) => (exit::RUN_FAILED, submit::submit(&args)),
        Verb::Ps(args) => (exit::ERROR, ps::ps(&args)),
        Verb::Logs(args) => (exit::ERROR, logs::logs(&args)),
        Verb::Inspect(args) => (exit::ERROR, inspect::inspect(&args)),
        Verb::Cancel(args) => (exit::ERROR, cancel::cancel(&args)),
        Verb::Pause(args) => (exit::ERROR, pause::pause(&args)),
        Verb::Resume(args) => (exit::ERROR, pause::resume(&args)),
        Verb::Rm(args) => (exit::ERROR, cancel::rm(&args)),
        Verb::Image(args) => (exit::ERROR, image::image(&args)),
        Verb::Volume(args) => (exit::ERROR, volume::volume(&args)),
        Verb::Serve(args) => (exit::ERROR, serve::serve(&args)),
        Verb::Config(args) => (exit::ERROR, config::config(&args)),
        Verb::Token(args) => (exit::ERROR, token::token(&args)),
        Verb::Policy(args) => (exit::ERROR, policy::policy(&args)),
        Verb::Doctor(args) => (exit::ERROR, doctor::doctor(&args)),
        Verb::Completion(args) => (exit::ERROR, completion::completion(&args)),
        Verb::Man(args) => (exit::ERROR, man::man(&args)),
        Verb::Complete(args) => (exit::ERROR, completion::names(&args)),
    };
    done.unwrap_or_else(|failure| {
        output::failure(&failure);
        ExitCode::from(failed)
    })
}

/// What clap has to say: help and version on stdout, mistakes on stderr.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody reads it: nothing to be done.
    error.print().ok();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        // After these, every code below 125 is the job's.
        _ if env::args_os().nth(1).is_some_and(|verb| verb == "run" || verb == "submit") => {
            ExitCode::from(exit::RUN_FAILED)
        }
        _ => ExitCode::from(exit::ERROR),
    }
}
