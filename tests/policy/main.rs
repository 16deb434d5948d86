//! Policies, good, bad and hostile, in real daemons: what is refused at load, what a runaway policy can do (be stopped), and
//! that the answers of the good ones are what happens. All components are made here, from the text in `wat/`.

mod bench;
mod chain;
mod command;
mod compiler;
mod corpus;
mod first_party;
mod hostile;
mod in_time;
mod kit;
mod lifecycle;
mod modes;
mod panics;
mod refused;
mod reload;
mod remember;
mod replay;
mod stage;

use std::process::ExitCode;

fn main() -> ExitCode {
    let modules = [
        refused::cases(),
        panics::cases(),
        hostile::cases(),
        in_time::cases(),
        bench::cases(),
        chain::cases(),
        modes::cases(),
        lifecycle::cases(),
        command::cases(),
        compiler::cases(),
        corpus::cases(),
        first_party::cases(),
        reload::cases(),
        remember::cases(),
        replay::cases(),
    ];
    support::main(&modules.concat())
}
