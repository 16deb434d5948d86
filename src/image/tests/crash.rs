//! `kill -9` at any instant, to two processes that use one store: it opens, has what was acknowledged, and a sweep leaves
//! exactly what is referred to.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::archives::docker;
use super::kit::{Folder, import, open, tar};
use super::walk;
use crate::{Error, Images, Scope};

const FOLDER: &str = "IMAGE_TEST_FOLDER";
const KILLS: u32 = 50;
/// Of several images, some in common.
const LAYERS: u8 = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
#[ignore = "the child of the test below: it works until it is killed"]
async fn works_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).expect("started by the test below");
    let images = open(Path::new(&folder));
    let tasks: Vec<_> = (0..3).map(|task| tokio::spawn(work(images.clone(), task))).collect();
    for task in tasks {
        task.await.expect("it works for ever");
    }
}

async fn work(images: Images, task: u8) {
    let own = format!("p{}t{task}", std::process::id());
    let mut names: Vec<String> = Vec::new();
    loop {
        let [dice, number, ..] = random();
        match dice % 8 {
            0..=3 => {
                let name = format!("{own}n{}", number % 16);
                let archive = archive(&name);
                say("replacing", &name);
                import(&images, &archive, None).await.expect("imported");
                say("has", &name);
                names.push(name);
            }
            4 | 5 => {
                let Some(name) = names.pop() else { continue };
                say("removing", &name);
                let removed = images.remove(None, &name, false).await;
                assert!(matches!(removed, Ok(_) | Err(Error::ImageNotFound(_))), "{removed:?}");
            }
            6 => drop(images.gc().await.expect("swept")),
            _ => volume(&images, &format!("{own}v{}", number % 4)).await,
        }
    }
}

async fn volume(images: &Images, name: &str) {
    let mounted = images.volumes().mount("acme", name, false).await.expect("mounted");
    images.volumes().measured(&mounted.id).await.expect("measured");
    say("volume", name);
    drop(mounted);
    if random()[0].is_multiple_of(2) {
        say("dropping", name);
        images.volumes().remove("acme", name).await.expect("removed");
    }
}

/// Two layers of six, the second with some bulk.
fn archive(name: &str) -> Vec<u8> {
    let layer = |number: u8| {
        let bulk = vec![number; 200_000 * usize::from(number)];
        tar(&[("etc/", b""), ("etc/layer", &[number]), ("bulk", &bulk)])
    };
    let [lower, upper, ..] = random();
    docker(&[&layer(lower % LAYERS), &layer(upper % LAYERS)], &[&format!("{name}:1")]).tar()
}

fn random() -> [u8; 4] {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).expect("random");
    bytes
}

fn say(what: &str, name: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n{what} {name}\n").as_bytes()).and_then(|()| out.flush()).expect("a pipe");
}

fn child(folder: &Folder) -> (Child, Receiver<String>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--ignored", "--exact", "--nocapture", "tests::crash::works_until_it_is_killed"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (told, telling) = channel();
    std::thread::spawn(move || {
        // A line that the kill cut short has no end.
        let whole = out.lines().map_while(Result::ok).filter(|line| line.contains(' '));
        whole.for_each(|line| drop(told.send(line)));
    });
    (child, telling)
}

/// What must be there after this: images and volumes by name.
fn follow(told: impl Iterator<Item = String>, there: &mut BTreeSet<(bool, String)>) {
    for line in told {
        let Some((what, name)) = line.split_once(' ') else { continue };
        match what {
            "has" => drop(there.insert((true, name.to_owned()))),
            "removing" | "replacing" => drop(there.remove(&(true, name.to_owned()))),
            "volume" => drop(there.insert((false, name.to_owned()))),
            "dropping" => drop(there.remove(&(false, name.to_owned()))),
            _ => (),
        }
    }
}

fn killed(folder: &Folder, there: &mut BTreeSet<(bool, String)>) {
    let mut children = [child(folder), child(folder)];
    let mut told = Vec::new();
    // Both are at work.
    for (_, telling) in &children {
        loop {
            told.push(telling.recv_timeout(Duration::from_mins(1)).expect("the child works"));
            if told.last().is_some_and(|line| line.starts_with("has ")) {
                break;
            }
        }
    }
    let [low, high, ..] = random();
    std::thread::sleep(Duration::from_micros(u64::from(u16::from_le_bytes([low, high])) * 6));
    for (child, _) in &mut children {
        child.kill().expect("killed");
        assert_eq!(child.wait().expect("dead").signal(), Some(9), "it has ended before");
    }
    follow(told.into_iter(), there);
    for (_, telling) in children {
        follow(telling.iter(), there);
    }
}

#[tokio::test]
async fn a_kill_leaves_a_store_that_a_sweep_makes_whole() {
    let folder = Folder::new();
    let mut there = BTreeSet::new();
    let mut leftovers = 0;
    for _ in 0..KILLS {
        killed(&folder, &mut there);
        let images = folder.images();
        leftovers += images.gc().await.expect("swept").leftovers;
        walk::check(folder.path());
        for (is_image, name) in &there {
            let found = if *is_image {
                images.resolve(None, &format!("{name}:1")).await.map(drop)
            } else {
                images.volumes().inspect("acme", name).await.map(drop)
            };
            found.unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert!(leftovers > 0, "no kill hit anything");
    let images = folder.images();
    for info in images.list(Scope::All).await.expect("listed") {
        images.remove(None, &info.name, false).await.expect("removed");
    }
    walk::check(folder.path());
    walk::is_empty(folder.path());
}
