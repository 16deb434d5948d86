use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::{Client, Temp, Who, children_of, eventually, stockade};

/// `stockade serve` on a free port; ended, and waited for, on drop.
#[derive(Debug)]
pub struct Daemon {
    pub who: Who,
    pub address: SocketAddr,
    child: Child,
    log: Arc<Mutex<String>>,
    _config: Option<Temp>,
}

impl Daemon {
    pub fn start(who: Who, args: &[&str]) -> Self {
        Self::launch(who, args, None)
    }

    /// With a settings file.
    pub fn configured(who: Who, toml: &str) -> Self {
        let temp = Temp::new();
        let file = temp.file("stockade.toml", toml);
        let file = file.to_str().expect("a temporary path is text").to_owned();
        Self::launch(who, &["--config", &file], Some(temp))
    }

    fn launch(who: Who, args: &[&str], config: Option<Temp>) -> Self {
        let mut command = who.command(stockade());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the daemon starts");
        let mut lines = BufReader::new(child.stderr.take().expect("stderr is a pipe")).lines();
        let mut early = String::new();
        let address = loop {
            let Some(Ok(line)) = lines.next() else {
                let status = child.wait().expect("an ended child");
                panic!("the daemon ended before it listened ({status}): {early}");
            };
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.parse().expect("an address with a port");
            }
            early = early + &line + "\n";
        };
        let log = Arc::new(Mutex::new(early));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut log = kept.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { who, address, child, log, _config: config }
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

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn launcher(&self) -> u32 {
        eventually(Duration::from_secs(5), "the daemon has one child, its launcher", || {
            match children_of(self.pid()).as_slice() {
                [only] => Some(*only),
                _ => None,
            }
        })
    }

    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("an own child can be signalled");
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

impl Drop for Daemon {
    #[expect(clippy::print_stderr, reason = "the log of a daemon whose test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("log of the daemon:\n{}", self.log());
        }
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        // The second one does not wait for jobs.
        let start = std::time::Instant::now();
        while start.elapsed() < Duration::from_secs(12) {
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
