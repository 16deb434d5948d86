//! A unix socket: who is known there without a token, and how its name comes and goes.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::Value;
use support::{Case, Daemon, Needs, State, Temp, Who, cases, run, token};

use super::wire::ask;
use super::{TRUE, with};

pub(super) fn cases() -> Vec<Case> {
    let known = Case::new(concat!(module_path!(), "::peers_are_known"), peers_are_known);
    let mut all = cases![names_come_and_go];
    all.push(known.needs(Needs::Program("curl")).needs(Needs::Program("setpriv")));
    all
}

/// Where the daemon's user can make it; the folder goes with the state.
fn place(who: Who) -> (State, String) {
    let state = State::new(who);
    let path = state.path().parent().expect("a folder").join("sock/s");
    let path = path.to_str().expect("a temporary path is text").to_owned();
    (state, path)
}

fn started(who: Who, path: &str) -> Daemon {
    Daemon::start(who, &["--listen", &format!("unix:{path}")])
}

/// Status and body, as this user.
fn curl(mut command: Command, socket: &str, target: &str) -> (String, Value) {
    let url = format!("http://any.name{target}");
    command.args(["-s", "-o", "-", "-w", "\n%{http_code}", "--unix-socket", socket, &url]);
    let output = command.output().expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

fn peers_are_known(who: Who) {
    let (_folder, path) = place(who);
    let daemon = started(who, &path);
    let secret = token(who, daemon.state(), "acme", "submit,read");
    assert_eq!(daemon.client().get("/capabilities").status, 401, "no such thing over TCP");
    // This process's user: root, or the daemon's own.
    let connect = || UnixStream::connect(&path).expect("a connection");
    let host = "host: whatever.example\r\n";
    let body = format!("{host}content-type: application/json\r\n");
    let job = ask(connect(), "POST", "/jobs?wait=true", &body, TRUE).expect("an answer");
    assert_eq!((job.status, &job.json()["tenant"]), (200, &"default".into()));
    assert_eq!(with(&daemon, &secret).get("/capabilities").status, 200);
    assert_eq!(ask(connect(), "GET", "/policies", host, "").expect("an answer").status, 200);
    let own = format!("{host}authorization: Bearer {secret}\r\n");
    let job = ask(connect(), "POST", "/jobs?wait=true", &(own + "content-type: application/json\r\n"), TRUE);
    assert_eq!(job.expect("an answer").json()["tenant"], "acme", "who shows a token is taken by it");
    let foreign = format!("{host}origin: https://evil.example\r\n");
    assert_eq!(ask(connect(), "GET", "/policies", &foreign, "").expect("an answer").status, 403);

    assert_eq!(curl(who.command("curl"), &path, "/policies").0, "200", "the daemon's own user");
    if nix::unistd::geteuid().is_root() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("root may");
        let stranger = || {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=64999", "--regid=64999", "--clear-groups", "curl"]);
            command
        };
        let (status, problem) = curl(stranger(), &path, "/policies");
        assert_eq!((status.as_str(), &problem["type"]), ("401", &"urn:stockade:problem:unauthorized".into()));
        let mut bearing = stranger();
        bearing.args(["-H", &format!("authorization: Bearer {secret}")]);
        assert_eq!(curl(bearing, &path, "/capabilities").0, "200");
    }
}

fn is_socket(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.file_type().is_socket())
}

fn names_come_and_go(who: Who) {
    let (_folder, path) = place(who);
    let mut daemon = started(who, &path);
    let name = Path::new(&path);
    assert_eq!(fs::metadata(name).expect("a socket").permissions().mode() & 0o777, 0o660);
    let other = State::new(who);
    let busy = run(
        who,
        &["serve", "--listen", &format!("unix:{path}"), "--state-dir", other.path().to_str().expect("text")],
    );
    assert!(busy.code != 0 && busy.stderr.contains("cannot listen on unix:"), "{busy:?}");
    daemon.signal(Signal::SIGKILL);
    daemon.wait();
    assert!(is_socket(name), "left behind");
    let daemon = started(who, &path);
    let answer = ask(UnixStream::connect(name).expect("it listens"), "GET", "/healthz", "host: x\r\n", "");
    assert_eq!(answer.expect("an answer").status, 200);
    daemon.stop();
    assert!(!name.exists(), "removed at the end");
    let folder = Temp::new();
    let file = folder.file("precious", "precious");
    let listen = format!("unix:{}", file.display());
    let refused =
        run(who, &["serve", "--listen", &listen, "--state-dir", other.path().to_str().expect("text")]);
    assert!(refused.code != 0 && fs::read(&file).is_ok_and(|text| text == b"precious"), "{refused:?}");
}
