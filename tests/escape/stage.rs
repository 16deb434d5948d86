//! Daemons for the attacks: each run has one to itself, so that whatever is found afterwards is that run's doing; what
//! has survived an attack unharmed serves the next one.

use std::collections::HashMap;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};
use support::{Daemon, Response, Snapshot, Who, eventually, rss_kib, same_again, status_of, stockade};

use crate::attack::{Attack, Variant};
use crate::bait::Bait;
use crate::judge::{self, Outcome};

/// What the daemon may hold after anything a job has printed or left to collect.
const DAEMON_KIB: u64 = 128 << 10;

#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) daemon: Daemon,
    idle: Snapshot,
    binary: Binary,
}

#[derive(Debug, Default)]
pub(crate) struct Stages(Mutex<HashMap<Who, Vec<Stage>>>);

impl Stages {
    /// Runs the attack in each of its variants; the reasons of those that this host cannot tell anything about.
    pub(crate) fn attack(&self, who: Who, attack: &Attack, pair: Option<&Attack>) -> Vec<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&who).and_then(Vec::pop);
        let stage = kept.unwrap_or_else(|| Stage::new(who));
        let skipped = attack.variants().iter().filter_map(|variant| stage.run(*variant, pair)).collect();
        // Not reached after a failure: that one's daemon is thrown away.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(who).or_default().push(stage);
        skipped
    }
}

impl Stage {
    pub(crate) fn new(who: Who) -> Self {
        let daemon = Daemon::configured(who, "max_running = 4");
        let stage = Self { idle: Snapshot::default(), binary: Binary::now(), daemon };
        // The first job makes threads and buffers that are kept.
        stage.still_serves();
        Self { idle: stage.quiet(), ..stage }
    }

    pub(crate) fn quiet(&self) -> Snapshot {
        Snapshot::idle(&self.daemon, &self.cookie())
    }

    pub(crate) fn now(&self) -> Snapshot {
        Snapshot::of(&self.daemon, &self.cookie())
    }

    /// Nothing that an attack is told has it; it stands for "on the command line of anything else".
    fn cookie(&self) -> String {
        format!("escape-{}", self.daemon.pid())
    }

    fn run(&self, variant: Variant<'_>, pair: Option<&Attack>) -> Option<String> {
        let bait = Bait::new();
        let mut skipped = None;
        if let Some(pair) = pair {
            let other = Variant { attack: pair, profile: variant.profile, arg: None };
            let request = other.request(&bait).unwrap_or_else(|why| panic!("{other}: {why}"));
            let id = self.daemon.submit(&request);
            eventually(Duration::from_secs(10), "the other half is ready", || {
                let job = self.daemon.job(&id);
                let said = job["steps"][0]["stdout"]["text"].as_str().unwrap_or_default();
                said.ends_with("ready\n").then_some(())
            });
            self.judged(variant, &bait);
            let job = self.daemon.ended(&id);
            judge::job(other, &bait, &job).unwrap_or_else(|why| panic!("{other}: {why}"));
        }
        if let Outcome::Skipped(why) = self.judged(variant, &bait) {
            skipped = Some(format!("{variant}: {why}"));
        }
        self.check_host(variant, &bait);
        skipped
    }

    fn judged(&self, variant: Variant<'_>, bait: &Bait) -> Outcome {
        let answer = self.answer(variant, bait);
        let outcome = judge::answer(variant, bait, &answer).unwrap_or_else(|why| panic!("{variant}: {why}"));
        if answer.status == 200 {
            let served = judge::served(&mut self.daemon.client(), bait, &answer.json());
            served.unwrap_or_else(|why| panic!("{variant}: {why}"));
        }
        outcome
    }

    pub(crate) fn answer(&self, variant: Variant<'_>, bait: &Bait) -> Response {
        let request = variant.request(bait).unwrap_or_else(|why| panic!("{variant}: {why}"));
        self.daemon.client().post("/jobs?wait=true", &request)
    }

    fn check_host(&self, variant: Variant<'_>, bait: &Bait) {
        let bitten = bait.bitten();
        assert!(bitten.is_empty(), "{variant}: {bitten:#?}");
        assert!(Binary::now() == self.binary, "{variant}: the binary of the daemon was touched");
        self.still_serves();
        let held = rss_kib(self.daemon.pid());
        assert!(held < DAEMON_KIB, "{variant}: the daemon holds {held} KiB");
        same_again(&self.idle, || self.now());
        let left = survivors(&self.daemon.who.job_ids(), &variant.attack.comms());
        assert!(left.is_empty(), "{variant}: still there: {left:?}");
    }

    pub(crate) fn still_serves(&self) {
        let job = self.daemon.run(&json!({"command": ["true"]}));
        assert_eq!(job["status"], "succeeded", "a plain job: {job}");
    }
}

/// Processes on the host by one of these names and under one of these ids.
pub(crate) fn survivors(ids: &RangeInclusive<u32>, names: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let (Some(name), Some(uid)) = (status_of(pid, "Name"), status_of(pid, "Uid")) else { continue };
        let uid = uid.split_whitespace().next().and_then(|uid| uid.parse().ok());
        if names.contains(&name) && uid.is_some_and(|uid| ids.contains(&uid)) {
            found.push(format!("{pid} {name}"));
        }
    }
    found
}

/// The file that jobs would overwrite first.
#[derive(Debug, PartialEq, Eq)]
struct Binary {
    inode: u64,
    bytes: u64,
    /// Any write and any change of its mode shows here, and nobody can set it.
    changed: (i64, i64),
}

impl Binary {
    fn now() -> Self {
        let file = stockade().metadata().expect("the binary is still there");
        Self { inode: file.ino(), bytes: file.len(), changed: (file.ctime(), file.ctime_nsec()) }
    }
}

pub(crate) fn binary_digest() -> Vec<u8> {
    Sha256::digest(fs::read(stockade()).expect("the binary is readable")).to_vec()
}
