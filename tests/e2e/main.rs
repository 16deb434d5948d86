//! Daemon and command line as a newcomer meets them, and the README's own commands.

mod client;
mod images;
mod readme;
mod registry;
mod verbs;

use std::process::ExitCode;

fn main() -> ExitCode {
    support::main(
        &[verbs::cases(), client::cases(), images::cases(), registry::cases(), readme::cases()].concat(),
    )
}
