//! Against a real D-Bus daemon with a manager that plays systemd. The client is a process of its own, since its address
//! comes from the environment and its threads are counted.

use std::{
    env,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use zbus::{Connection, MessageStream, OwnedObjectPath, OwnedVariant, connection::Builder, message::Type};

use super::{DelegateError, INTERFACE, MANAGER, PATH, ask_systemd, next};

const CLIENT: &str = "STOCKADE_DELEGATE_CLIENT";

type Properties = Vec<(String, OwnedVariant)>;

/// What the client process does; the other tests start it.
#[test]
fn client() {
    if env::var_os(CLIENT).is_none() {
        return;
    }
    let threads = || std::fs::read_dir("/proc/self/task").expect("tasks").count();
    let before = threads();
    let outcome = match ask_systemd() {
        Ok(()) => "ok".to_owned(),
        Err(DelegateError::Failed { result, .. }) => format!("failed {result}"),
        Err(DelegateError::Refused(_)) => "refused".to_owned(),
        Err(DelegateError::NoBus(_)) => "no bus".to_owned(),
        Err(error) => error.to_string(),
    };
    assert_eq!(threads(), before, "a thread is left");
    say(&format!("outcome: {outcome}"));
}

#[test]
fn a_scope_is_asked_for_and_waited_for() {
    let Some(bus) = Bus::start("done") else { return };
    let (outcome, asked) = bus.played("done");
    assert_eq!(outcome, "ok");
    let (name, mode, properties) = asked.expect("the call");
    let pid = name.strip_prefix("stockade-").and_then(|name| name.strip_suffix(".scope")).expect("the name");
    assert_eq!(mode, "fail");
    let text = format!("{properties:?}");
    for wanted in [&format!("U32({pid})"), "Delegate", "Bool(true)", "CollectMode", "inactive-or-failed"] {
        assert!(text.contains(wanted), "{wanted} is not in {text}");
    }
}

#[test]
fn a_scope_that_fails_is_an_error() {
    let Some(bus) = Bus::start("failed") else { return };
    assert_eq!(bus.played("failed").0, "failed failed");
}

#[test]
fn a_bus_without_systemd_is_an_error() {
    let Some(bus) = Bus::start("nobody") else { return };
    assert_eq!(outcome(&client_on(&bus.address).wait_with_output().expect("wait")), "refused");
}

#[test]
fn no_bus_is_an_error() {
    let client = client_on("unix:path=/nonexistent/bus");
    assert_eq!(outcome(&client.wait_with_output().expect("wait")), "no bus");
}

/// A message bus of the test's own.
struct Bus {
    daemon: Child,
    address: String,
    directory: PathBuf,
}

impl Bus {
    /// `None`, with the reason printed, where D-Bus is not installed.
    fn start(name: &str) -> Option<Self> {
        let directory = env::temp_dir().join(format!("stockade-bus-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let config = directory.join("bus.conf");
        let text = format!(
            "<busconfig><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>\
             </policy></busconfig>",
            directory.join("socket").display()
        );
        std::fs::write(&config, text).expect("the configuration");
        let started = Command::new("dbus-daemon")
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut daemon) = started else {
            say("SKIPPED: no dbus-daemon on this host");
            return None;
        };
        let mut address = String::new();
        let stdout = daemon.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut address).expect("the address");
        Some(Self { daemon, address: address.trim().to_owned(), directory })
    }

    /// Plays systemd for one client whose job ends with `result`: the client's outcome, and what it asked for.
    fn played(&self, result: &str) -> (String, Option<(String, String, Properties)>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(async {
            let manager = Builder::address(self.address.as_str()).build().await.expect("connect");
            let mut calls = MessageStream::from(&manager);
            manager.request_name(MANAGER).await.expect("the name");
            let client = client_on(&self.address);
            let asked = serve(&manager, &mut calls, result).await.expect("serve");
            (outcome(&client.wait_with_output().expect("wait")), Some(asked))
        })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn serve(
    manager: &Connection,
    calls: &mut MessageStream,
    result: &str,
) -> zbus::Result<(String, String, Properties)> {
    while let Some(call) = next(calls).await {
        let call = call?;
        if call.message_type() != Type::MethodCall {
            continue;
        }
        let header = call.header();
        match header.member().map(ToString::to_string).as_deref() {
            Some("StartTransientUnit") => {
                let body = call.body();
                let (name, mode, properties, _): (String, String, Properties, Vec<(String, Properties)>) =
                    body.deserialize()?;
                let path = |id: u32| OwnedObjectPath::try_from(format!("{PATH}/job/{id}"));
                // Another's job first, and ours before its answer: neither may confuse the client.
                for id in [6, 7] {
                    let signal = (id, path(id)?, name.as_str(), if id == 7 { result } else { "canceled" });
                    manager.emit_signal(None::<&str>, PATH, INTERFACE, "JobRemoved", &signal).await?;
                }
                manager.reply(&header, &path(7)?).await?;
                return Ok((name, mode, properties));
            }
            _ => manager.reply(&header, &()).await?,
        }
    }
    Err(zbus::Error::InvalidReply)
}

fn client_on(address: &str) -> Child {
    Command::new(env::current_exe().expect("this test"))
        .args(["delegate::tests::client", "--exact", "--nocapture"])
        .env(CLIENT, "1")
        .envs([("DBUS_SESSION_BUS_ADDRESS", address), ("DBUS_SYSTEM_BUS_ADDRESS", address)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test again")
}

fn outcome(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("outcome: "));
    line.unwrap_or_else(|| panic!("{output:?}")).to_owned()
}

#[expect(clippy::print_stderr, reason = "a skipped test must show")]
fn say(line: &str) {
    eprintln!("{line}");
}
