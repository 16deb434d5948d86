//! What an image costs: the same static program over an image, beside the same over `host`, by one daemon.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Daemon, Who};
use tar::{Builder, Header};

use crate::contender::Skipped;
use crate::table;

const BUSYBOX: &str = "/bin/busybox";
/// A job over an image may take this much longer than one over `host`.
const AIM: Duration = Duration::from_millis(1);
/// Runs over one root before it is the other's turn.
const TURN: usize = 10;

/// `turns` of each, in turns.
pub(crate) fn compare(turns: usize) -> Result<(), Skipped> {
    let archive = rootfs().map_err(|error| Skipped {
        name: "image beside host".into(),
        reason: format!("needs {BUSYBOX} (package busybox-static): {error}"),
    })?;
    let who = if nix::unistd::geteuid().is_root() { Who::Root } else { Who::User };
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let kind = [("content-type", "application/x-tar")];
    let imported = client.request("POST", "/images/import?name=bench:1", &kind, &archive);
    assert_eq!(imported.status, 201, "{}", imported.text());
    let mut sides = ["host", "bench:1"].map(Side::new);
    for side in &mut sides {
        // What is loaded at the first run is no part of the others.
        (0..5).for_each(|_| drop(side.run(&mut client)));
    }
    for _ in 0..turns {
        for side in &mut sides {
            side.turn(&mut client);
        }
    }
    print(sides);
    Ok(())
}

struct Side {
    request: Value,
    latencies: Vec<Duration>,
    setups: Vec<Duration>,
}

impl Side {
    fn new(image: &str) -> Self {
        let request =
            json!({"image": image, "user": "0:0", "workdir": "/workspace", "command": [BUSYBOX, "true"]});
        Self { request, latencies: Vec::new(), setups: Vec::new() }
    }

    fn run(&self, client: &mut Client) -> Value {
        let job = client.post("/jobs?wait=true", &self.request).json();
        assert_eq!(job["status"], "succeeded", "{job}");
        job
    }

    fn turn(&mut self, client: &mut Client) {
        for _ in 0..TURN {
            let start = Instant::now();
            let job = self.run(client);
            self.latencies.push(start.elapsed());
            self.setups.extend(job["timing"]["setup_us"].as_u64().map(Duration::from_micros));
        }
    }
}

/// Nothing but that one program.
fn rootfs() -> std::io::Result<Vec<u8>> {
    let busybox = fs::read(BUSYBOX)?;
    let mut archive = Builder::new(Vec::new());
    let mut header = Header::new_ustar();
    header.set_mode(0o755);
    header.set_size(busybox.len() as u64);
    archive.append_data(&mut header, BUSYBOX.trim_start_matches('/'), &busybox[..])?;
    archive.into_inner()
}

fn print([mut host, mut image]: [Side; 2]) {
    for side in [&mut host, &mut image] {
        side.latencies.sort();
        side.setups.sort();
    }
    table::line(&format!(
        "\nimage beside host, {} runs each, milliseconds: p50, p90, p99",
        host.latencies.len()
    ));
    compared("from start to finish", &host.latencies, &image.latencies);
    compared("setup by its own account", &host.setups, &image.setups);
    let more = at(&image.latencies, 50) - at(&host.latencies, 50);
    let aim = AIM.as_secs_f64() * 1000.0;
    let word = if more <= aim { "reached" } else { "missed" };
    table::line(&format!("  aim: a median of at most {aim:.2} more: {word} with {more:.2}"));
}

fn compared(what: &str, host: &[Duration], image: &[Duration]) {
    let at = |sorted| [50, 90, 99].map(|percent| at(sorted, percent));
    let (without, with) = (at(host), at(image));
    let more = [0, 1, 2].map(|place| with[place] - without[place]);
    table::line(&format!("  {what}: host {}; image {}; more {}", shown(without), shown(with), shown(more)));
}

fn at(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1000.0
}

fn shown(figures: [f64; 3]) -> String {
    figures.map(|figure| format!("{figure:.2}")).join(", ")
}
