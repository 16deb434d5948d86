use std::io::Write;

use super::*;
use crate::caller::tokens;

/// A token file of this test's own, removed on drop.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stockade-tokens-{name}-{}", std::process::id()));
        fs::remove_file(&path).ok();
        Self(path)
    }

    fn write(&self, tokens: &[&str]) {
        let entry = |token: &&str| {
            let hash = tokens::hex(&tokens::sha256(token.as_bytes()));
            format!(
                "[[token]]\nname = '{token}'\ntenant = 't'\nroles = ['read']\nsha256 = '{hash}'\n\
                 created_at = '2026-01-01T00:00:00Z'\n"
            )
        };
        let new = self.0.with_extension("new");
        fs::write(&new, tokens.iter().map(entry).collect::<String>()).expect("a file");
        fs::rename(new, &self.0).expect("a file");
    }

    fn live(&self) -> Arc<Live> {
        Arc::new(Live::open(self.0.clone()).expect("a good file"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

async fn taken(live: &Arc<Live>, token: &str) -> bool {
    let seen = live.current().await;
    seen.tokens.as_ref().is_none_or(|set| set.find(token.as_bytes(), Timestamp::now()).is_some())
}

#[tokio::test]
async fn a_change_counts_from_the_next_request_on() {
    let place = Place::new("change");
    place.write(&["a"]);
    let live = place.live();
    assert!(taken(&live, "a").await && !taken(&live, "b").await);
    place.write(&["a", "b"]);
    assert!(taken(&live, "a").await && taken(&live, "b").await);
    place.write(&["b"]);
    assert!(!taken(&live, "a").await && taken(&live, "b").await);
}

#[tokio::test]
async fn a_broken_file_changes_nothing() {
    let place = Place::new("broken");
    place.write(&["a"]);
    let live = place.live();
    fs::OpenOptions::new()
        .append(true)
        .open(&place.0)
        .and_then(|mut f| f.write_all(b"[[tok"))
        .expect("written");
    assert!(taken(&live, "a").await && !taken(&live, "b").await);
    place.write(&["b"]);
    assert!(!taken(&live, "a").await && taken(&live, "b").await);
    fs::write(&place.0, "nonsense").expect("written");
    assert!(Live::open(place.0.clone()).is_err(), "at the start there is nothing to keep");
}

#[tokio::test]
async fn without_a_file_everybody_is_let_in_until_there_is_one() {
    let place = Place::new("open");
    let live = place.live();
    assert!(taken(&live, "anything").await);
    place.write(&["a"]);
    assert!(taken(&live, "a").await && !taken(&live, "anything").await);
    fs::remove_file(&place.0).expect("a file");
    assert!(!taken(&live, "a").await && !taken(&live, "anything").await, "it does not open again");
    place.write(&[]);
    assert!(!taken(&live, "a").await, "an empty file is no missing one");
}

#[tokio::test]
async fn a_first_file_that_is_broken_lets_nobody_in() {
    let place = Place::new("first");
    let live = place.live();
    fs::write(&place.0, "nonsense").expect("written");
    assert!(!taken(&live, "a").await);
    place.write(&["a"]);
    assert!(taken(&live, "a").await && !taken(&live, "b").await);
}

#[tokio::test]
async fn a_hangup_reads_it_again_and_loses_nothing() {
    let place = Place::new("hangup");
    place.write(&["a"]);
    let live = place.live();
    let before = live.seen();
    live.reload().await;
    assert!(!Arc::ptr_eq(&before, &live.seen()) && taken(&live, "a").await);
    let settled = live.seen();
    assert!(taken(&live, "a").await && Arc::ptr_eq(&settled, &live.seen()), "read only where it changed");
}
