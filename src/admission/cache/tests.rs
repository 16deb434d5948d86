use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use wasmtime::Engine;

use super::{Cache, MOST_ENTRIES, SIGNATURE_BYTES};
use crate::compile::Compiled;
use crate::testing::Folder;

/// A cache in a folder of this test, which is the first field to go.
struct Place {
    cache: Cache,
    engine: Engine,
    folder: Folder,
}

impl Place {
    fn new() -> Self {
        let folder = Folder::new();
        let cache = Cache::open(&folder.path().join("cache")).expect("a folder of ours");
        Self { cache, engine: Engine::default(), folder }
    }

    fn keep(&self, digest: &str, code: &[u8]) -> PathBuf {
        self.cache.keep(&self.engine, digest, &Compiled::authentic(code.to_vec())).expect("there is room");
        self.cache.entry(&self.engine, digest)
    }

    fn find(&self, digest: &str) -> Option<Vec<u8>> {
        self.cache.find(&self.engine, digest).map(|code| code.bytes().to_vec())
    }
}

#[test]
fn what_is_kept_is_found_also_by_the_next_process() {
    let mut place = Place::new();
    assert_eq!(place.find("sha256:a"), None);
    place.keep("sha256:a", b"code");
    place.cache = Cache::open(&place.folder.path().join("cache")).expect("ours still");
    assert_eq!(place.find("sha256:a").as_deref(), Some(&b"code"[..]));
    assert_eq!(place.find("sha256:b"), None);
}

#[test]
fn one_changed_byte_anywhere_is_noticed() {
    let place = Place::new();
    let path = place.keep("sha256:a", b"code");
    let good = fs::read(&path).expect("kept");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).expect("ours");
        assert_eq!(place.find("sha256:a"), None, "byte {at}");
    }
    fs::write(&path, &good).expect("ours");
    assert!(place.find("sha256:a").is_some());
}

#[test]
fn a_shorter_or_longer_entry_is_noticed() {
    let place = Place::new();
    let path = place.keep("sha256:a", b"code");
    let good = fs::read(&path).expect("kept");
    assert_eq!(good.len(), SIGNATURE_BYTES + 4);
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).expect("ours");
        assert_eq!(place.find("sha256:a"), None, "{length} bytes");
    }
    fs::write(&path, [&good[..], b"!"].concat()).expect("ours");
    assert_eq!(place.find("sha256:a"), None);
}

#[test]
fn an_entry_cannot_pass_for_another() {
    let place = Place::new();
    let one = place.keep("sha256:a", b"one");
    let other = place.keep("sha256:b", b"other");
    fs::rename(one, other).expect("ours");
    assert_eq!(place.find("sha256:b"), None);
}

#[test]
fn an_entry_of_another_key_is_not_believed() {
    let (place, stranger) = (Place::new(), Place::new());
    let theirs = stranger.keep("sha256:a", b"code");
    let ours = place.cache.entry(&place.engine, "sha256:a");
    assert_eq!(theirs.file_name(), ours.file_name(), "the key alone tells them apart");
    fs::copy(theirs, ours).expect("ours");
    assert_eq!(place.find("sha256:a"), None);
}

#[test]
fn a_link_is_not_followed() {
    let place = Place::new();
    let path = place.keep("sha256:a", b"code");
    let elsewhere = place.folder.path().join("elsewhere");
    fs::rename(&path, &elsewhere).expect("ours");
    symlink(&elsewhere, &path).expect("ours");
    assert_eq!(place.find("sha256:a"), None);
}

#[test]
fn settings_of_the_engine_are_in_the_name() {
    let place = Place::new();
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    let other = Engine::new(&config).expect("valid settings");
    assert_ne!(place.cache.entry(&place.engine, "sha256:a"), place.cache.entry(&other, "sha256:a"));
}

#[test]
fn a_folder_that_others_can_enter_is_refused() {
    let folder = Folder::new();
    let path = folder.path().join("cache");
    Cache::open(&path).expect("made for us");
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(path.join("key")).expect("there").permissions().mode() & 0o777, 0o600);
    for mode in [0o755, 0o770, 0o701] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("ours");
        assert!(Cache::open(&path).is_err(), "{mode:o}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("ours");
    let link = folder.path().join("link");
    symlink(&path, &link).expect("ours");
    assert!(Cache::open(&link).is_err());
}

#[test]
fn a_key_cut_short_is_an_error() {
    let folder = Folder::new();
    Cache::open(folder.path()).expect_err("others may enter it");
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("ours");
    fs::write(folder.path().join("key"), b"short").expect("ours");
    assert!(Cache::open(folder.path()).is_err());
}

#[test]
fn the_oldest_entries_go_and_the_key_stays() {
    let place = Place::new();
    let first = place.keep("sha256:first", b"code");
    let past = std::time::SystemTime::UNIX_EPOCH;
    fs::File::options().write(true).open(&first).and_then(|file| file.set_modified(past)).expect("ours");
    for n in 0..MOST_ENTRIES {
        place.keep(&format!("sha256:{n}"), b"code");
    }
    assert!(!first.exists());
    let left = fs::read_dir(place.folder.path().join("cache")).expect("ours").count();
    assert_eq!(left, MOST_ENTRIES + 1, "the entries and the key, and nothing half written");
}
