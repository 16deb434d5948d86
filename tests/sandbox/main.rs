//! Each stage and each limit of a sandbox, through the API or `stockade run`, as root and as ordinary users.

mod accuracy;
mod artifacts;
mod capacity;
mod cases;
mod cli;
mod concurrent;
mod crash;
mod ends;
mod files;
mod leftovers;
mod limits;
mod receipt;
mod steps;
mod terminal;

use std::process::ExitCode;

fn main() -> ExitCode {
    let modules = [
        steps::cases(),
        files::cases(),
        artifacts::cases(),
        cases::cases(),
        ends::cases(),
        limits::cases(),
        capacity::cases(),
        receipt::cases(),
        concurrent::cases(),
        cli::cases(),
        terminal::cases(),
        accuracy::cases(),
        crash::cases(),
        leftovers::cases(),
    ];
    support::main(&modules.concat())
}
