use nix::unistd::{Gid, Uid, chown};

use super::*;

/// A path of this test's own, removed on drop.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stockade-state-{name}-{}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        Self(path)
    }

    /// With these bits, and a file in it.
    fn used(name: &str, mode: u32) -> Self {
        let place = Self::new(name);
        fs::create_dir(&place.0).expect("a folder");
        fs::write(place.0.join("file"), "").expect("a file");
        fs::set_permissions(&place.0, fs::Permissions::from_mode(mode)).expect("an own folder");
        place
    }

    fn mode(&self) -> u32 {
        fs::metadata(&self.0).expect("a folder").mode() & 0o7777
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn daemon() -> u32 {
    if geteuid().is_root() { DAEMON } else { geteuid().as_raw() }
}

fn refused(path: &Path) -> String {
    let error = prepare(path).expect_err("refused");
    assert!(error.hint().is_some_and(|hint| hint.contains("--state-dir")), "{error:?}");
    error.to_string()
}

#[test]
fn it_is_made_for_the_daemon_alone() {
    let place = Place::new("made");
    let dir = place.0.join("a/b");
    let owner = prepare(&dir).expect("a folder");
    assert_eq!((owner.uid, fs::metadata(&dir).expect("a folder").mode() & 0o7777), (daemon(), 0o700));
    assert_eq!(prepare(&dir).expect("the same"), owner);
}

#[test]
fn an_empty_one_is_taken_over() {
    let place = Place::used("empty", 0o755);
    fs::remove_file(place.0.join("file")).expect("a file");
    assert_eq!((prepare(&place.0).expect("taken").uid, place.mode()), (daemon(), 0o700));
}

#[test]
fn one_with_somebodys_files_is_not() {
    let place = Place::used("open", 0o755);
    assert!(refused(&place.0).contains("can be entered by others, and is not empty"));
    assert_eq!(place.mode(), 0o755, "left as it was");
    assert!(refused(&place.0.join("file")).contains("not a directory"));
}

#[test]
fn root_works_for_the_user_whose_it_is() {
    if !geteuid().is_root() {
        return;
    }
    let place = Place::used("user", 0o700);
    assert!(refused(&place.0).contains("belongs to root, and is not empty"));
    chown(&place.0, Some(Uid::from_raw(1234)), Some(Gid::from_raw(1234))).expect("root may");
    assert_eq!(prepare(&place.0).expect("a user's"), Owner { uid: 1234, gid: 1234 });
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).expect("root may");
    assert!(refused(&place.0).contains("belongs to the user 1234"));
}
