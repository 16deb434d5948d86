//! A store that many work on and whose daemon is killed again and again: what is referenced is there, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Case, Client, Daemon, Needs, Random, State, Who, cases, eventually, figure};

use crate::support::Rootfs;
use crate::support::served::{shell, swept};

pub(crate) fn cases() -> Vec<Case> {
    let storm = |case: Case| case.needs(Needs::Program("busybox")).alone();
    let storms = cases![killed_at_random].into_iter().map(storm);
    storms.chain(cases![places_that_nobody_was_let_into]).collect()
}

/// That were answered, however many were cut short meanwhile.
const OPERATIONS: usize = 400;
const WORKERS: usize = 4;
const PATIENCE: Duration = Duration::from_mins(5);
const IMAGES: usize = 5;
const VOLUMES: usize = 3;
const SEED: &str = "STOCKADE_IMAGE_SEED";
const SETTINGS: &str = "max_running = 4\nmax_queued = 60\nlog = \"warn\"";

/// The daemon of the moment, and what was asked of all of them.
#[derive(Default)]
struct Stage {
    address: Mutex<Option<SocketAddr>>,
    done: AtomicUsize,
    broken: AtomicUsize,
    /// There is no other daemon to come.
    over: AtomicBool,
}

fn killed_at_random(who: Who) {
    let seed = Random::seed_of(SEED);
    figure(format!("{}: {SEED}={seed}", who.name()));
    let mut random = Random::new(seed);
    let (state, stage, start) = (State::new(who), Stage::default(), Instant::now());
    let archives: Vec<Vec<u8>> = (0..IMAGES).map(archive).collect();
    let seeds: Vec<u64> = (0..WORKERS).map(|_| random.any()).collect();
    let kills = thread::scope(|scope| {
        let (stage, archives) = (&stage, &archives);
        let worker = |seed| scope.spawn(move || work(stage, archives, &mut Random::new(seed)));
        let workers: Vec<_> = seeds.into_iter().map(worker).collect();
        // One that has ended before all is done has found something wrong: nobody waits for what it left.
        storm(who, &state, stage, &mut random, || workers.iter().any(ScopedJoinHandle::is_finished))
    });
    let (done, broken) = (stage.done.load(Relaxed), stage.broken.load(Relaxed));
    let seconds = start.elapsed().as_secs_f64();
    figure(format!(
        "{}: {done} operations and {broken} cut short, {kills} kills, in {seconds:.1} s",
        who.name()
    ));
    assert!(kills > 5 && done >= OPERATIONS, "too little of either");

    let daemon = Daemon::resumed(who, &state, SETTINGS);
    let idle = || {
        let page = daemon.client().get("/jobs?status=queued,running&limit=1").json();
        page["items"].as_array().is_some_and(Vec::is_empty).then_some(())
    };
    eventually(Duration::from_mins(1), "every job ends", idle);
    swept(&daemon);
    walk(&daemon, state.path());
}

/// As a process leaves them that is killed between making one and opening it to the tool, which may be another user.
fn places_that_nobody_was_let_into(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let state = daemon.state().path();
    let places = ["images/layers", "volumes"].map(|folder| state.join(folder).join("deadbeef00"));
    for place in &places {
        fs::DirBuilder::new().mode(0o700).create(place).expect("made");
        let folder = fs::metadata(place.parent().expect("it is in one")).expect("there");
        std::os::unix::fs::chown(place, Some(folder.uid()), Some(folder.gid())).expect("given away");
    }
    let swept = daemon.client().post("/images/gc", &Value::Null);
    assert_eq!(swept.status, 200, "{}", swept.text());
    for place in &places {
        assert!(!place.exists(), "{}", place.display());
    }
}

/// One layer that all have, and one file that tells them apart.
fn archive(number: usize) -> Vec<u8> {
    Rootfs::whole().file("number", 0o644, number.to_string().as_bytes()).tar()
}

fn storm(who: Who, state: &State, stage: &Stage, random: &mut Random, ended: impl Fn() -> bool) -> usize {
    let (mut kills, start) = (0, Instant::now());
    while stage.done.load(Relaxed) < OPERATIONS && start.elapsed() < PATIENCE && !ended() {
        let daemon = Daemon::resumed(who, state, SETTINGS);
        *stage.address.lock().expect("no panic") = Some(daemon.address);
        thread::sleep(Duration::from_millis(50 + random.below(500) as u64));
        *stage.address.lock().expect("no panic") = None;
        daemon.kill();
        kills += 1;
    }
    stage.over.store(true, Relaxed);
    kills
}

fn work(stage: &Stage, archives: &[Vec<u8>], random: &mut Random) {
    while !stage.over.load(Relaxed) {
        let client = loop {
            let address = *stage.address.lock().expect("no panic");
            match address.and_then(Client::connect) {
                Some(client) => break client,
                None if stage.over.load(Relaxed) => return,
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        let answered = operate(client, archives, random).is_some();
        if answered { &stage.done } else { &stage.broken }.fetch_add(1, Relaxed);
    }
}

/// `None` where the daemon went before it answered.
fn operate(mut client: Client, archives: &[Vec<u8>], random: &mut Random) -> Option<()> {
    let (image, volume) = (random.below(IMAGES), random.below(VOLUMES));
    let name = format!("mixed-{image}:1");
    let mut job =
        shell(&name, "cat /number; echo more > /cache/$$; mkdir -p /opt/new; echo x > /opt/new/file");
    let answer = match random.below(10) {
        0..3 => {
            let target = format!("/images/import?name={name}");
            client.attempt("POST", &target, &[("content-type", "application/x-tar")], &archives[image])
        }
        3 => client.attempt("DELETE", &format!("/images/{name}"), &[], b""),
        4 => client.attempt("POST", "/images/gc", &[], b""),
        5 => client.attempt("DELETE", &format!("/volumes/mixed-{volume}"), &[], b""),
        6 => {
            job["commit"] = json!({"image": format!("mixed-{}:1", random.below(IMAGES))});
            send(&mut client, &job)
        }
        _ => {
            job["volumes"] = json!([{"name": format!("mixed-{volume}"), "path": "/cache"}]);
            send(&mut client, &job)
        }
    };
    let answer = answer?;
    assert!(answer.status < 500 || answer.status == 503, "{}: {}", answer.status, answer.text());
    Some(())
}

fn send(client: &mut Client, job: &Value) -> Option<support::Response> {
    let (header, body) = (("content-type", "application/json"), job.to_string());
    client.attempt("POST", "/jobs?wait=10s", &[header], body.as_bytes())
}

/// By the documents alone, from the names on: neither the database nor what the sweep is made of is asked.
fn walk(daemon: &Daemon, state: &Path) {
    let mut client = daemon.client();
    let images = client.get("/images").json();
    let volumes = client.get("/volumes").json();
    let (mut blobs, mut trees) = (BTreeSet::new(), BTreeSet::new());
    for image in images["items"].as_array().expect("items") {
        let manifest = document(state, &image["digest"], &mut blobs);
        let config = document(state, &manifest["config"]["digest"], &mut blobs);
        for layer in manifest["layers"].as_array().expect("layers") {
            blobs.insert(hex(&layer["digest"]));
        }
        trees.extend(config["rootfs"]["diff_ids"].as_array().expect("diff_ids").iter().map(hex));
    }
    assert_eq!(names(&state.join("images/blobs/sha256")), blobs, "blobs");
    assert_eq!(names(&state.join("images/layers")).len(), trees.len(), "trees");
    assert_eq!(names(&state.join("images/incoming")), BTreeSet::new(), "what was under way");
    let volumes = volumes["items"].as_array().expect("items").len();
    assert_eq!(names(&state.join("volumes")).len(), volumes, "volumes");
    figure(format!(
        "{} blobs, {} trees and {volumes} volumes are referenced, and there",
        blobs.len(),
        trees.len()
    ));
}

fn document(state: &Path, digest: &Value, blobs: &mut BTreeSet<String>) -> Value {
    let name = hex(digest);
    let bytes = fs::read(state.join("images/blobs/sha256").join(&name)).expect("a blob");
    blobs.insert(name);
    serde_json::from_slice(&bytes).expect("JSON")
}

fn hex(digest: &Value) -> String {
    digest.as_str().and_then(|text| text.strip_prefix("sha256:")).expect("a digest").to_owned()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
