use super::kit::{Folder, open};
use super::walk;
use crate::Scope;

#[tokio::test]
async fn a_volume_is_made_on_first_use_and_kept() {
    let folder = Folder::new();
    let images = folder.images();
    let volumes = images.volumes();
    let mounted = volumes.mount("acme", "pip-cache", false).await.expect("mounted");
    let path = folder.path().join("volumes").join(&mounted.id).join("fs");
    std::fs::write(path.join("wheel"), vec![7; 100_000]).expect("written");
    assert_eq!(volumes.remove("acme", "pip-cache").await.expect_err("in use").code(), "volume_in_use");
    assert!(volumes.measured(&mounted.id).await.expect("measured") >= 100_000);
    let again = volumes.mount("acme", "pip-cache", true).await.expect("mounted");
    assert_eq!(again.id, mounted.id);
    let other = volumes.mount("other", "pip-cache", false).await.expect("mounted");
    assert_ne!(other.id, mounted.id, "each tenant has its own");
    let id = mounted.id.clone();
    drop((mounted, again));
    images.gc().await.expect("swept");
    assert!(path.join("wheel").exists());
    volumes.remove("acme", "pip-cache").await.expect("removed");
    assert!(!path.exists());
    assert_eq!(volumes.measured(&id).await.expect("nothing"), 0);
    assert_eq!(volumes.inspect("acme", "pip-cache").await.expect_err("gone").code(), "volume_not_found");
    assert_eq!(volumes.list(Scope::All).await.expect("listed").len(), 1);
    assert!(volumes.list(Scope::Tenant("acme".into())).await.expect("listed").is_empty());
    drop(other);
    walk::check(folder.path());
}

#[tokio::test]
async fn a_full_one_can_be_read_and_not_written() {
    let folder = Folder::new();
    let images = folder.images();
    let volumes = images.volumes();
    let made = volumes.create("acme", "small", Some(50_000)).await.expect("made");
    assert_eq!(volumes.create("acme", "small", None).await.expect_err("taken").code(), "name_taken");
    assert_eq!(volumes.create("acme", "large", Some(u64::MAX)).await.expect_err("large").code(), "above_cap");
    let path = folder.path().join("volumes").join(&made.id).join("fs/file");
    std::fs::write(&path, vec![7; 60_000]).expect("written");
    volumes.measured(&made.id).await.expect("measured");
    let refused = volumes.mount("acme", "small", false).await.expect_err("full");
    assert_eq!(refused.code(), "volume_full");
    volumes.mount("acme", "small", true).await.expect("to be read");
    std::fs::remove_file(&path).expect("removed");
    volumes.measured(&made.id).await.expect("measured");
    volumes.mount("acme", "small", false).await.expect("no longer full");
}

#[tokio::test]
async fn names_are_plain() {
    let folder = Folder::new();
    let images = folder.images();
    for name in ["", ".", "..", "-a", "A", "a/b", "a b", "ü", "_x", &"a".repeat(65)] {
        let refused = images.volumes().mount("acme", name, false).await.expect_err(name);
        assert_eq!(refused.code(), "invalid_name", "{name:?}");
    }
    for name in ["a", "0", "a_b.c-d", &"a".repeat(64)] {
        images.volumes().create("acme", name, None).await.expect(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_first_use_by_many_makes_one() {
    let folder = Folder::new();
    let stores = [open(folder.path()), open(folder.path())];
    let all = stores.iter().cycle().take(12).map(|images| images.volumes().mount("acme", "cache", false));
    let mounted = futures_util::future::join_all(all).await;
    let mut ids: Vec<String> = mounted.into_iter().map(|mounted| mounted.expect("mounted").id).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    walk::check(folder.path());
}
