//! The library has no process of its own: a case for another user runs in a copy of this program, as that user.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, ExitCode};

use nix::unistd::geteuid;
use support::{Temp, Who};

use super::output;

const CASE: &str = "IMAGE_CASE";

pub(crate) type Body = (&'static str, fn());

/// A case's body, as this user.
pub(crate) fn run(who: Who, name: &str, body: fn()) {
    if who == Who::Root || !geteuid().is_root() {
        return body();
    }
    let temp = Temp::new();
    let copy = temp.path().join("suite");
    // By a process of its own: a copy that is open here for writing could be inherited by another case's child, and would
    // then be no program (ETXTBSY, execve(2)).
    let own = env::current_exe().expect("a test knows its path");
    output("install", &[OsStr::new("-m755"), own.as_os_str(), copy.as_os_str()]);
    let id = who.uid();
    let mut command = Command::new("setpriv");
    command
        .args([format!("--reuid={id}"), format!("--regid={id}")])
        .args(["--clear-groups", "--inh-caps=-all"]);
    // A proxy is nothing for loopback; this one would be noticed.
    command.env("http_proxy", "http://127.0.0.1:1").env("no_proxy", "0.0.0.0");
    let output = command.arg("--").arg(&copy).env(CASE, name).env("HOME", "/").output();
    let output = output.expect("setpriv (Debian: util-linux)");
    assert!(output.status.success(), "as {id}: {}", String::from_utf8_lossy(&output.stderr));
}

/// In such a copy: the one body that it is for.
pub(crate) fn child(bodies: &[Body]) -> Option<ExitCode> {
    let name = env::var(CASE).ok()?;
    let (_, body) = bodies.iter().find(|(known, _)| *known == name)?;
    body();
    Some(ExitCode::SUCCESS)
}

/// `cases()` and `bodies()` of a module, from its functions without parameters.
#[macro_export]
macro_rules! bodies {
    ([$($need:literal),*], $($name:ident),* $(,)?) => {
        pub(crate) fn cases() -> Vec<::support::Case> {
            let all = vec![$({
                fn case(who: ::support::Who) {
                    $crate::support::who::run(who, stringify!($name), $name);
                }
                ::support::Case::new(concat!(module_path!(), "::", stringify!($name)), case)
            }),*];
            let needs = |case: ::support::Case| case$(.needs(::support::Needs::Program($need)))*;
            all.into_iter().map(needs).collect()
        }

        pub(crate) fn bodies() -> Vec<$crate::support::who::Body> {
            vec![$((stringify!($name), $name as fn())),*]
        }
    };
}
