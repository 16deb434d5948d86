//! What becomes of jobs when the daemon or its launcher is killed, told to stop, or has no room left on its disk.
//!
//! `STOCKADE_CHAOS_SEED` runs the same choices again, `STOCKADE_CHAOS_KILLS` changes how often the daemon is killed,
//! `STOCKADE_SOAK_SECONDS` (120) how long faults go on: half an hour by hand before a release, best with `STOCKADE_BIN` of
//! `cargo static`. Its disk is a tmpfs of 2 MiB for each second.

mod clients;
mod disk;
mod faults;
mod full;
mod journal;
mod judge;
mod kills;
mod launcher;
mod soak;
mod stop;
mod work;

use std::process::ExitCode;

fn main() -> ExitCode {
    let modules = [kills::cases(), launcher::cases(), stop::cases(), full::cases(), soak::cases()];
    support::main(&modules.concat().into_iter().map(support::Case::alone).collect::<Vec<_>>())
}
