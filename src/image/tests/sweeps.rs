use std::sync::Arc;

use super::kit::{Folder, import, open, rootfs};
use super::{kit, walk};
use crate::Options;
use crate::Scope;
use crate::store::Store;
use crate::tool::Expected;

#[tokio::test]
async fn what_a_job_uses_stays_until_it_ends() {
    let folder = Folder::new();
    let (images, other) = (folder.images(), open(folder.path()));
    import(&images, &rootfs("used"), Some("app")).await.expect("imported");
    let resolved = images.resolve(None, "app").await.expect("there");
    // Another process, as far as locks can tell.
    let refused = other.remove(None, "app", false).await.expect_err("in use");
    assert_eq!(refused.code(), "image_in_use");
    assert_eq!(images.list(Scope::All).await.expect("listed").len(), 1, "a refused removal changes nothing");
    let removed = other.remove(None, "app", true).await.expect("removed");
    assert_eq!((removed.freed.images, removed.freed.layers), (0, 0));
    assert_eq!(kit::read(&folder, &resolved.layers[0], "content"), "used");
    assert!(images.resolve(None, "app").await.is_err());
    drop(resolved);
    let freed = other.gc().await.expect("swept");
    assert_eq!((freed.images, freed.layers, freed.blobs), (1, 1, 3));
    assert!(freed.bytes > 0);
    walk::check(folder.path());
    walk::is_empty(folder.path());
}

#[tokio::test]
async fn leases_of_one_image_share_a_descriptor() {
    let folder = Folder::new();
    let images = folder.images();
    import(&images, &rootfs("shared"), Some("app")).await.expect("imported");
    let leased = || {
        std::fs::read_dir("/proc/self/fd")
            .expect("there")
            .filter_map(|fd| {
                let target = std::fs::read_link(fd.ok()?.path()).ok()?;
                target.starts_with(folder.path().join("images/leases")).then_some(())
            })
            .count()
    };
    let mut held = Vec::new();
    for _ in 0..50 {
        held.push(images.resolve(None, "app").await.expect("there"));
    }
    assert_eq!(leased(), 1);
    drop(held);
    assert_eq!(leased(), 0);
}

#[tokio::test]
async fn what_a_living_holder_counts_on_stays_and_a_dead_ones_goes() {
    let folder = Folder::new();
    let images = folder.images();
    let store = Store::open(&Options::new(folder.path())).expect("a store");
    let holder = store.holder().await.expect("a holder");
    let blob = holder.put(b"pinned".to_vec()).await.expect("put");
    let half = Expected { digest: kit::digest(b"half of it"), size: 10 };
    let mut incoming = holder.write(&half).await.expect("begun").expect("missing");
    incoming.write(b"half").await.expect("written");
    drop(incoming);
    let scratch = holder.scratch();
    std::fs::write(scratch.path(), "scratch").expect("written");
    assert_eq!(images.gc().await.expect("swept"), crate::Freed::default());
    assert_eq!(store.document(&blob.digest).expect("there"), b"pinned");
    assert!(scratch.path().exists());
    // As a kill leaves it: files, and no lock.
    let left = folder.path().join("images/incoming/deadbeef00-0");
    std::fs::create_dir(&left).expect("made");
    std::fs::write(left.join("0"), "member").expect("written");
    for path in ["images/layers/deadbeef00", "volumes/deadbeef01"] {
        std::fs::create_dir_all(folder.path().join(path).join("fs/deep/er")).expect("made");
    }
    std::fs::write(folder.path().join("images/blobs/sha256").join("a".repeat(64)), "junk").expect("written");
    drop((scratch, holder));
    let freed = images.gc().await.expect("swept");
    assert_eq!((freed.blobs, freed.bytes), (1, 6));
    assert!(freed.leftovers >= 4, "{freed:?}");
    walk::check(folder.path());
    walk::is_empty(folder.path());
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let folder = Folder::new();
    drop(folder.images());
    let db = rusqlite::Connection::open(folder.path().join("images/images.db")).expect("opened");
    db.pragma_update(None, "user_version", 99).expect("set");
    drop(db);
    let worker = Arc::new(kit::Thread::default());
    let refused = crate::Images::open(Options::new(folder.path()), worker).expect_err("refused");
    assert!(matches!(refused, crate::OpenError::Newer { found: 99, .. }), "{refused:?}");
}

/// Before the tool begins, another process sweeps.
#[derive(Debug)]
struct Swept {
    by: crate::Images,
    tool: kit::Thread,
}

impl crate::Worker for Swept {
    fn start(
        &self,
        task: Vec<u8>,
        fds: &[std::os::fd::BorrowedFd<'_>],
    ) -> std::io::Result<std::os::fd::OwnedFd> {
        let by = self.by.clone();
        let sweeping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(by.gc()).expect("swept")
        });
        assert_eq!(sweeping.join().expect("no panic"), crate::Freed::default());
        self.tool.start(task, fds)
    }
}

#[tokio::test]
async fn a_sweep_in_the_midst_of_an_import_leaves_it_alone() {
    let folder = Folder::new();
    let worker = Swept { by: open(folder.path()), tool: kit::Thread::default() };
    let options = Options { caps: kit::CAPS, ..Options::new(folder.path()) };
    let images = crate::Images::open(options, Arc::new(worker)).expect("a store");
    let layers = [rootfs("lower"), rootfs("upper")];
    let archive = super::archives::docker(&[&layers[0], &layers[1]], &["app:1"]);
    import(&images, &archive.tar(), None).await.expect("imported");
    import(&images, &rootfs("plain"), Some("base")).await.expect("imported");
    walk::check(folder.path());
    let resolved = images.resolve(None, "app:1").await.expect("there");
    assert_eq!(kit::read(&folder, &resolved.layers[0], "content"), "upper");
}
