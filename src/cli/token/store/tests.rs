use std::os::unix::fs::{MetadataExt, symlink};
use std::thread;

use api::Role;
use api::tokens::Token;
use jiff::Timestamp;
use nix::unistd::getegid;

use super::*;

/// A state directory of this test's own, removed on drop.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stockade-store-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir(&path).expect("a folder");
        Self(path)
    }

    fn store(&self) -> Store {
        Store::new(&self.0, Owner { uid: geteuid().as_raw(), gid: getegid().as_raw() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn token(name: &str) -> Token {
    Token {
        name: name.into(),
        tenant: "t".into(),
        roles: vec![Role::Read],
        sha256: tokens::hex(&tokens::sha256(name.as_bytes())),
        created_at: Timestamp::now(),
        expires_at: None,
    }
}

fn add(store: &Store, name: &str) -> Result<(), Failure> {
    store.change(|file| {
        file.tokens.push(token(name));
        Ok(())
    })
}

#[test]
fn writers_wait_for_each_other() {
    let place = Place::new("writers");
    thread::scope(|scope| {
        for writer in 0..4 {
            let store = place.store();
            scope.spawn(move || {
                for number in 0..10 {
                    add(&store, &format!("t{writer}-{number}")).expect("written");
                }
            });
        }
    });
    assert_eq!(place.store().read().expect("a good file").tokens.len(), 40);
    let mode = fs::metadata(place.store().path()).expect("a file").mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn a_change_that_fails_leaves_the_file() {
    let place = Place::new("fails");
    let store = place.store();
    add(&store, "a").expect("written");
    let before = fs::read(store.path()).expect("a file");
    assert!(add(&store, "a").is_err(), "the name is taken");
    assert!(store.change(|_| Err::<(), _>(Failure::new("no"))).is_err());
    assert_eq!(fs::read(store.path()).expect("a file"), before);
    fs::write(store.path(), "nonsense").expect("written");
    assert!(add(&store, "b").is_err(), "what cannot be read is not replaced");
    assert_eq!(fs::read(store.path()).expect("a file"), b"nonsense");
}

#[test]
fn links_lead_nowhere() {
    let place = Place::new("links");
    let precious = place.0.join("precious");
    fs::write(&precious, "precious").expect("written");
    symlink(&precious, place.0.join("tokens.toml.new")).expect("a link");
    add(&place.store(), "a").expect("the link is replaced");
    fs::remove_file(place.0.join(LOCK)).expect("a lock");
    symlink(&precious, place.0.join(LOCK)).expect("a link");
    assert!(add(&place.store(), "b").is_err());
    assert_eq!(fs::read(&precious).expect("a file"), b"precious");
}
