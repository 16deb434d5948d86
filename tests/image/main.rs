//! Images against what others have made, Debian's registry, skopeo and umoci, and through a real daemon.

mod hostile;
mod mixed;
mod registry;
mod service;
mod shared;
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = support::who::child(&registry::bodies()) {
        return code;
    }
    let suites = [registry::cases(), service::cases(), hostile::cases(), shared::cases(), mixed::cases()];
    ::support::main(&suites.concat())
}
