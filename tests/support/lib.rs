//! What the suites share. A suite is a list of [`Case`]s; each runs once for every [`Who`] it is meant for, as
//! `root::name`, `user::name` and `subuid::name`. What a host lacks makes a case `ignored` with the reason, never passed.

pub mod archive;
mod binary;
mod daemon;
mod deaf;
mod events;
mod host;
mod http;
mod log;
mod program;
mod random;
mod run;
mod state;
mod suite;
mod temp;
mod token;
mod who;

pub use binary::stockade;
pub use daemon::{BUNDLE, Daemon, policy_folder};
pub use deaf::Deaf;
pub use events::{Listening, Sent};
pub use host::{
    Snapshot, alive, cgroup_groups, cgroup_of, children_of, descriptors, rss_kib, running, same_again,
    sleeping, status_of,
};
pub use http::{Client, Response};
pub use program::{compiled, load};
pub use random::Random;
pub use run::{Ran, job, run, run_fed, run_json};
pub use state::{STATE_DIR, State};
pub use suite::{Case, Needs, main, tidy};
pub use temp::Temp;
pub use token::token;
pub use who::Who;

use std::time::{Duration, Instant};

/// As long as `span`, or longer where `STOCKADE_TEST_PATIENCE` says how many times slower than usual this machine is: an
/// emulated one. For bounds that tell what works from what hangs, never for what is measured.
pub fn patient(span: Duration) -> Duration {
    let times = std::env::var("STOCKADE_TEST_PATIENCE").ok().and_then(|times| times.parse().ok());
    span * times.unwrap_or(1)
}

/// Asks again until `found` has an answer; the bound is for when something is broken, not a time to wait.
pub fn eventually<T>(most: Duration, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let (start, most) = (Instant::now(), patient(most));
    loop {
        if let Some(value) = found() {
            return value;
        }
        assert!(start.elapsed() < most, "not within {most:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A measured value, for whoever reads the output.
#[expect(clippy::print_stderr, reason = "a test's figures belong into its output")]
pub fn figure(text: impl std::fmt::Display) {
    eprintln!("figure: {text}");
}

/// Functions as cases, each under its module's and its own name: `cases![wall]` in `limits` is `limits::wall`.
#[macro_export]
macro_rules! cases {
    ($($path:path),* $(,)?) => {
        vec![$($crate::Case::new(concat!(module_path!(), "::", stringify!($path)), $path)),*]
    };
}
