//! Images against what others have made: Debian's registry, skopeo and umoci.

mod registry;
mod support;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = support::who::child(&registry::bodies()) {
        return code;
    }
    ::support::main(&registry::cases())
}
