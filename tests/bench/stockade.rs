//! `POST /jobs?wait=true` to a living daemon over a kept connection.

use std::time::Duration;

use serde_json::{Value, json};
use support::{Daemon, Who};

use crate::contender::{Contender, Skipped};
use crate::table;

struct Stockade {
    daemon: Daemon,
    name: &'static str,
}

pub(crate) fn all() -> Vec<Result<Box<dyn Contender>, Skipped>> {
    let started = |who, name| -> Result<Box<dyn Contender>, Skipped> {
        Ok(Box::new(Stockade { daemon: Daemon::start(who, &[]), name }))
    };
    if nix::unistd::geteuid().is_root() {
        vec![started(Who::Root, "stockade"), started(Who::User, "stockade, ordinary user")]
    } else {
        vec![started(Who::User, "stockade")]
    }
}

impl Contender for Stockade {
    fn name(&self) -> String {
        self.name.into()
    }

    fn client(&self) -> Box<dyn FnMut() -> Result<(), String> + '_> {
        let mut client = self.daemon.client();
        Box::new(move || {
            let job = client.post("/jobs?wait=true", &json!({"command": ["true"]})).json();
            if job["status"] == "succeeded" { Ok(()) } else { Err(job.to_string()) }
        })
    }

    fn breakdown(&self) -> Option<String> {
        let jobs: Vec<Value> = (0..50).map(|_| self.daemon.run(&json!({"command": ["true"]}))).collect();
        let median = |field: &str| {
            let mut all: Vec<u64> = jobs.iter().filter_map(|job| job["timing"][field].as_u64()).collect();
            all.sort_unstable();
            all[all.len() / 2]
        };
        let fields = ["admit_us", "queue_us", "setup_us", "run_us", "collect_us"];
        let parts: Vec<_> = fields.iter().map(|field| format!("{field} {}", median(field))).collect();
        Some(parts.join(", "))
    }
}

pub(crate) fn breakdown(racing: &[(Box<dyn Contender>, Duration)]) {
    for (contender, _) in racing {
        if let Some(parts) = contender.breakdown() {
            table::line(&format!("{}: median of 50 jobs by its own account: {parts}", contender.name()));
        }
    }
}
