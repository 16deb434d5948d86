use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::log::Log;
use crate::{Client, STATE_DIR, State, Temp, Who, children_of, eventually, patient, status_of, stockade};

const SETTINGS: &str = "stockade.toml";
/// The bundle's name in a [`policy_folder`].
pub const BUNDLE: &str = "policies.toml";

/// A folder with settings that name the bundle beside them, for `serve --config FOLDER/stockade.toml`.
pub fn policy_folder(settings: &str, bundle: &str, files: &[(&str, &[u8])]) -> Temp {
    let folder = Temp::new();
    // Not the host's: what a test compiles is nobody else's business. Only root can make it, others go without.
    let cache = folder.path().join("cache");
    let policies = format!("policies = {BUNDLE:?}\npolicy_cache = \"{}\"\n{settings}\n", cache.display());
    folder.file(SETTINGS, policies);
    folder.file(BUNDLE, bundle);
    for (name, contents) in files {
        folder.file(name, contents);
    }
    folder
}

/// `stockade serve` on a free port; ended, and waited for, on drop.
#[derive(Debug)]
pub struct Daemon {
    pub who: Who,
    pub address: SocketAddr,
    child: Child,
    log: Log,
    folder: Option<Temp>,
    state: State,
}

impl Daemon {
    pub fn start(who: Who, args: &[&str]) -> Self {
        Self::launch(who, args, None, State::new(who))
    }

    /// With a settings file.
    pub fn configured(who: Who, toml: &str) -> Self {
        let folder = Temp::new();
        folder.file(SETTINGS, toml);
        Self::of_folder(who, folder)
    }

    /// With a settings file, going on where an earlier one left off.
    pub fn resumed(who: Who, state: &State, toml: &str) -> Self {
        let folder = Temp::new();
        let settings = settings(&folder, toml);
        Self::launch(who, &["--config", &settings], Some(folder), state.clone())
    }

    /// Killed after this time, whether it listens by then or not; its pid.
    pub fn doomed(who: Who, state: &State, toml: &str, after: Duration) -> u32 {
        let folder = Temp::new();
        let settings = settings(&folder, toml);
        let mut child = serve(who, state, &["--config", &settings])
            .stderr(Stdio::null())
            .spawn()
            .expect("the daemon starts");
        std::thread::sleep(after);
        child.kill().expect("an own child can be killed");
        child.wait().expect("an own child");
        child.id()
    }

    /// With the policies of this bundle. `files` are put beside it, so that it can name them by their relative paths.
    pub fn with_policies(who: Who, bundle: &str, files: &[(&str, &[u8])]) -> Self {
        Self::of_folder(who, policy_folder("", bundle, files))
    }

    /// With the settings file `stockade.toml` of a folder, which goes with the daemon.
    pub fn of_folder(who: Who, folder: Temp) -> Self {
        let settings = folder.path().join(SETTINGS);
        let settings = settings.to_str().expect("a temporary path is text").to_owned();
        Self::launch(who, &["--config", &settings], Some(folder), State::new(who))
    }

    /// As [`Daemon::start`], by a command that becomes the binary once it has set something up.
    pub fn behind(who: Who, command: Command, args: &[&str], state: State) -> Self {
        Self::spawn(who, serving(command, &state, args), None, state)
    }

    fn launch(who: Who, args: &[&str], folder: Option<Temp>, state: State) -> Self {
        Self::spawn(who, serve(who, &state, args), folder, state)
    }

    fn spawn(who: Who, mut command: Command, folder: Option<Temp>, state: State) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the daemon starts");
        let log = Log::of(child.stderr.take().expect("stderr is a pipe"));
        let address = log.wait_for(|line| {
            let url = line.strip_prefix("listening on http").and_then(|url| url.split_once("://"));
            url.map(|(_, address)| address.parse().expect("an address with a port"))
        });
        let Some(address) = address else {
            let status = child.wait().expect("an ended child");
            panic!("the daemon ended before it listened ({status}): {}", log.text());
        };
        log.follow();
        Self { who, address, child, log, folder, state }
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Runs a job to its end.
    pub fn run(&self, request: &Value) -> Value {
        let response = self.client().post("/jobs?wait=true", request);
        assert_eq!(response.status, 200, "{request}: {}", response.text());
        response.json()
    }

    /// Takes a job in without waiting for it; its id.
    pub fn submit(&self, request: &Value) -> String {
        let response = self.client().post("/jobs", request);
        assert_eq!(response.status, 202, "{request}: {}", response.text());
        response.json()["id"].as_str().expect("a job has an id").to_owned()
    }

    pub fn job(&self, id: &str) -> Value {
        self.client().get(&format!("/jobs/{id}")).json()
    }

    /// Waits for the end of a submitted job.
    pub fn ended(&self, id: &str) -> Value {
        self.client().get(&format!("/jobs/{id}?wait=60s")).json()
    }

    /// As it ended then.
    pub fn cancel(&self, id: &str) -> Value {
        self.client().request("POST", &format!("/jobs/{id}/cancel"), &[], b"");
        self.ended(id)
    }

    /// Puts another bundle in the place of the one it was started with, or another file beside it; a reload reads it.
    pub fn rewrite(&self, name: &str, contents: impl AsRef<[u8]>) {
        let folder = self.folder.as_ref().expect("it was started with a folder");
        // Whole or not at all: a daemon that is reading must not find half of it.
        let new = folder.file(&format!("{name}.new"), contents);
        std::fs::rename(new, folder.path().join(name)).expect("a file in an own folder");
    }

    /// Where it finds its settings, and its bundle.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().expect("it was started with a folder").path()
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn keeper(&self) -> u32 {
        eventually(Duration::from_secs(5), "the daemon has one child, the launcher's keeper", || {
            only_child(self.pid())
        })
    }

    pub fn launcher(&self) -> u32 {
        let keeper = self.keeper();
        // What a launcher that was killed leaves behind is the keeper's until it has ended.
        eventually(Duration::from_secs(5), "the keeper has one child, the launcher", || {
            only_child(keeper).filter(|pid| status_of(*pid, "Name").as_deref() == Some("stockade-launch"))
        })
    }

    /// All that it has logged until now.
    pub fn log(&self) -> String {
        self.log.text()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("an own child can be signalled");
    }

    /// Gives it no time to do anything.
    pub fn kill(mut self) -> ExitStatus {
        self.child.kill().expect("an own child can be killed");
        self.child.wait().expect("an own child")
    }

    /// Ends it by SIGTERM, which lets jobs end first; panics when it does not go.
    pub fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        eventually(Duration::from_secs(20), "the daemon ends", || {
            self.child.try_wait().expect("an own child")
        })
    }
}

fn only_child(pid: u32) -> Option<u32> {
    match children_of(pid).as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

fn settings(folder: &Temp, toml: &str) -> String {
    folder.file(SETTINGS, toml).to_str().expect("a temporary path is text").to_owned()
}

fn serve(who: Who, state: &State, args: &[&str]) -> Command {
    serving(who.command(stockade()), state, args)
}

fn serving(mut command: Command, state: &State, args: &[&str]) -> Command {
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(args).env(STATE_DIR, state.path());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Drop for Daemon {
    #[expect(clippy::print_stderr, reason = "the log of a daemon whose test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of the daemon:\n{}", self.log());
            eprintln!("its state directory: {:?}", self.state.files());
        }
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // The second one does not wait for jobs.
        let start = std::time::Instant::now();
        while start.elapsed() < patient(Duration::from_secs(12)) {
            self.signal(Signal::SIGTERM);
            for _ in 0..40 {
                if matches!(self.child.try_wait(), Ok(Some(_))) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
