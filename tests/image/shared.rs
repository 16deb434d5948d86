//! Many jobs over one image: it is on disk once, and in memory once.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use support::{Case, Daemon, Needs, State, Who, cases, eventually, figure};

use crate::support::Rootfs;
use crate::support::served::{import, printed, shell, swept};

pub(crate) fn cases() -> Vec<Case> {
    cases![layers].into_iter().map(|case| case.needs(Needs::Program("busybox")).alone()).collect()
}

const JOBS: usize = 100;
/// Of the file that every job reads.
const BYTES: usize = 16 << 20;
/// What a shell and its like may take, in each job.
const OWN: u64 = 8 << 20;
/// All of them at one time, on any machine.
const SETTINGS: &str = "max_running = 120\nmax_queued = 200\ncpu_overcommit = 64.0\nlog = \"warn\"";
const WAITS: &str = "cat /large | wc -c; mkdir /gate/$JOB; read line < /gate/open.$JOB; echo $line";

fn layers(who: Who) {
    let state = State::new(who);
    let daemon = Daemon::resumed(who, &state, SETTINGS);
    // No hole, and nothing that a filesystem would compress.
    let mut random = support::Random::new(1);
    let large: Vec<u8> = (0..BYTES / 8).flat_map(|_| random.any().to_le_bytes()).collect();
    let image = import(&daemon, "large:1", &Rootfs::whole().file("large", 0o644, &large).tar());
    let digest = image["digest"].as_str().expect("a digest").to_owned();
    let gates = format!("i=0; while [ $i -lt {JOBS} ]; do mkfifo -m 666 /gate/open.$i; i=$((i+1)); done");
    printed(&daemon, &at_the_gate(&gates, 0));
    let (trees, all) = (blocks(&state.path().join("images/layers")), blocks(&state.path().join("images")));
    let cached = cached();

    let ids: Vec<String> = (0..JOBS).map(|number| daemon.submit(&at_the_gate(WAITS, number))).collect();
    eventually(Duration::from_secs(80), "all of them stand", || {
        let (_, text) = printed(&daemon, &at_the_gate("ls -d /gate/[0-9]* 2>/dev/null | wc -l", 0));
        (text.trim() == JOBS.to_string()).then_some(())
    });
    let during = (blocks(&state.path().join("images/layers")), blocks(&state.path().join("images")));
    figure(format!(
        "{}: the page cache has grown by {} KiB",
        who.name(),
        self::cached().saturating_sub(cached)
    ));
    assert_eq!(during.0, trees, "bytes of the trees while {JOBS} jobs run over them");
    // The database's log may have grown.
    assert!(during.1 <= all + (4 << 20), "{all} bytes of images before, {} meanwhile", during.1);

    let opens = format!("i=0; while [ $i -lt {JOBS} ]; do echo go > /gate/open.$i; i=$((i+1)); done");
    printed(&daemon, &at_the_gate(&opens, 0));
    let jobs: Vec<Value> = ids.iter().map(|id| daemon.ended(id)).collect();
    let mut charged = 0;
    for job in &jobs {
        assert_eq!(job["status"], "succeeded", "{job}");
        assert_eq!(job["steps"][0]["stdout"]["text"], format!("{BYTES}\ngo\n"));
        assert_eq!(job["isolation"]["image"]["digest"], digest.as_str());
        assert_eq!(job["isolation"]["image"]["layers"], jobs[0]["isolation"]["image"]["layers"]);
        charged += job["steps"][0]["usage"]["memory_peak_bytes"].as_u64().unwrap_or(0);
    }
    figure(format!("{}: {} KiB were charged to {JOBS} jobs", who.name(), charged >> 10));
    let most = BYTES as u64 + JOBS as u64 * OWN;
    assert!(charged <= most, "{charged} bytes were charged for {BYTES} that all have read");

    assert_eq!(blocks(&state.path().join("images/layers")), trees, "bytes of the trees after");
    let mut client = daemon.client();
    for target in ["/images/large:1", "/volumes/gate"] {
        assert_eq!(client.request("DELETE", target, &[], b"").status, 204, "{target}");
    }
    eventually(Duration::from_secs(10), "a sweep leaves nothing", || {
        swept(&daemon);
        let folders = ["images/layers", "images/blobs/sha256", "images/incoming", "volumes"];
        folders.iter().all(|folder| names(&state.path().join(folder)) == 0).then_some(())
    });
}

fn at_the_gate(script: &str, number: usize) -> Value {
    let mut request = shell("large:1", script);
    request["env"] = json!({"JOB": number.to_string()});
    request["limits"] = json!({"memory_bytes": 48 << 20, "wall_time_ms": 120_000});
    request["volumes"] = json!([{"name": "gate", "path": "/gate"}]);
    request
}

/// As du(1) counts them.
fn blocks(path: &Path) -> u64 {
    let Ok(data) = path.symlink_metadata() else { return 0 };
    let own = data.blocks() * 512;
    if !data.is_dir() {
        return own;
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    own + entries.map(|entry| blocks(&entry.path())).sum::<u64>()
}

fn names(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

/// Of all files on this machine, in KiB.
fn cached() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").expect("proc(5)");
    let line = text.lines().find_map(|line| line.strip_prefix("Cached:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).expect("proc(5)")
}
