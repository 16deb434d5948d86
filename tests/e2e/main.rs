//! Daemon and command line as a newcomer meets them, and the README's own commands.

mod client;
mod doctor;
mod images;
mod outer;
mod readme;
mod registry;
mod verbs;
mod walls;

use std::process::ExitCode;

fn main() -> ExitCode {
    let all = [
        verbs::cases(),
        walls::cases(),
        doctor::cases(),
        client::cases(),
        images::cases(),
        registry::cases(),
        readme::cases(),
    ];
    support::main(&all.concat())
}
