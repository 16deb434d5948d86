use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::archives::docker;
use super::kit::{CAPS, Folder, Thread, digest, import, open, rootfs};
use super::walk;
use crate::store::Store;
use crate::tool::Expected;
use crate::{Images, Options};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn imports_of_one_layer_at_one_time_unpack_it_once() {
    let folder = Folder::new();
    let layer = rootfs("shared by all");
    let worker = Arc::new(Thread::default());
    let options = Options { caps: CAPS, ..Options::new(folder.path()) };
    let one = Images::open(options, worker.clone()).expect("a store");
    let other = open(folder.path());
    let archives: Vec<Vec<u8>> =
        (0..8).map(|number| docker(&[&layer], &[&format!("app:{number}")]).tar()).collect();
    let all = archives
        .iter()
        .enumerate()
        .map(|(number, archive)| import(if number % 2 == 0 { &one } else { &other }, archive, None));
    for imported in futures_util::future::join_all(all).await {
        assert_eq!(imported.expect("imported").len(), 1);
    }
    let trees = std::fs::read_dir(folder.path().join("images/layers")).expect("a folder");
    assert_eq!(trees.count(), 1);
    // Four times taken apart, and at most once unpacked.
    assert!(worker.0.load(Ordering::Relaxed) <= 5);
    assert_eq!(one.list(crate::Scope::All).await.expect("listed").len(), 8);
    drop((one, other));
    walk::check(folder.path());
}

#[tokio::test]
async fn a_blob_is_gone_on_with_where_it_was_left() {
    let folder = Folder::new();
    let store = Store::open(&Options::new(folder.path())).expect("a store");
    let bytes: Vec<u8> = (0..3_000_000u32).map(|n| u8::try_from(n % 251).expect("small")).collect();
    let blob = Expected { digest: digest(&bytes), size: bytes.len() as u64 };
    let holder = store.holder().await.expect("a holder");
    let mut incoming = holder.write(&blob).await.expect("begun").expect("missing");
    incoming.write(&bytes[..2_500_000]).await.expect("written");
    drop(incoming);
    let mut incoming = holder.write(&blob).await.expect("begun").expect("missing");
    let written = usize::try_from(incoming.written()).expect("small");
    assert!((1_000_000..=2_500_000).contains(&written), "{written}");
    for piece in bytes[written..].chunks(10_000) {
        incoming.write(piece).await.expect("written");
    }
    assert_eq!(incoming.write(b"more").await.expect_err("too many").code(), "size_mismatch");
    incoming.finish().await.expect("whole");
    assert!(holder.write(&blob).await.expect("begun").is_none(), "it is there");
    assert_eq!(store.document(&blob.digest).expect("there"), bytes);
}

#[tokio::test]
async fn a_blob_that_is_another_is_refused_and_forgotten() {
    let folder = Folder::new();
    let store = Store::open(&Options::new(folder.path())).expect("a store");
    let holder = store.holder().await.expect("a holder");
    let blob = Expected { digest: digest(b"right"), size: 5 };
    let mut incoming = holder.write(&blob).await.expect("begun").expect("missing");
    incoming.write(b"wro").await.expect("written");
    assert_eq!(incoming.finish().await.expect_err("cut").code(), "size_mismatch");
    let mut incoming = holder.write(&blob).await.expect("begun").expect("missing");
    assert_eq!(incoming.written(), 3, "what is cut short is gone on with");
    incoming.write(b"ng").await.expect("written");
    assert_eq!(incoming.finish().await.expect_err("forged").code(), "digest_mismatch");
    let mut incoming = holder.write(&blob).await.expect("begun").expect("missing");
    assert_eq!(incoming.written(), 0);
    incoming.write(b"right").await.expect("written");
    incoming.finish().await.expect("whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_writes_a_blob_and_the_others_wait_for_it() {
    let folder = Folder::new();
    let stores = [1, 2].map(|_| Store::open(&Options::new(folder.path())).expect("a store"));
    let blob = Expected { digest: digest(b"content"), size: 7 };
    let (mut writers, mut found) = (0, 0);
    let each = stores.iter().cycle().take(6).map(|store| async {
        let holder = store.holder().await.expect("a holder");
        match holder.write(&blob).await.expect("begun") {
            None => false,
            Some(mut incoming) => {
                incoming.write(b"content").await.expect("written");
                incoming.finish().await.expect("whole");
                true
            }
        }
    });
    for wrote in futures_util::future::join_all(each).await {
        if wrote { writers += 1 } else { found += 1 }
    }
    assert_eq!((writers, found), (1, 5));
}

#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_a_job_waits_for_its_image() {
    let folder = Folder::new();
    let images = folder.images();
    let layers: Vec<Vec<u8>> = (0..10).map(|number| rootfs(&format!("{number}"))).collect();
    let layers: Vec<&[u8]> = layers.iter().map(Vec::as_slice).collect();
    import(&images, &docker(&layers, &["app:1"]).tar(), None).await.expect("imported");
    let first = images.resolve(None, "app:1").await.expect("there");
    let mut each = Vec::new();
    for _ in 0..1000 {
        let begun = std::time::Instant::now();
        drop(images.resolve(Some("acme"), "app:1").await.expect("there"));
        each.push(begun.elapsed());
    }
    each.sort();
    drop(first);
    let told = format!("resolve: p50 {:?}, p99 {:?}\n", each[500], each[990]);
    std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()).expect("told");
    assert!(each[500] < std::time::Duration::from_millis(1));
}
