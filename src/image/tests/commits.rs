use std::fs;
use std::os::fd::OwnedFd;

use super::archives::docker;
use super::kit::{Folder, import, read, rootfs, tree};
use super::walk;
use crate::Changes;

fn changes(folder: &Folder, base: Option<String>, name: &str) -> Changes {
    let upper = folder.path().join("upper");
    fs::create_dir_all(upper.join("srv")).expect("a folder");
    fs::write(upper.join("srv/new"), "by the job").expect("written");
    fs::create_dir_all(upper.join("workspace")).expect("a folder");
    fs::write(upper.join("workspace/left"), "out").expect("written");
    let upper: OwnedFd = fs::File::open(upper).expect("opened").into();
    let tenant = Some("acme".into());
    Changes { base, upper, workspace: None, user: 1000, name: name.into(), tenant }
}

#[tokio::test]
async fn a_commit_is_its_base_and_one_layer() {
    let folder = Folder::new();
    let images = folder.images();
    import(&images, &docker(&[&rootfs("base")], &["base:1"]).tar(), None).await.expect("imported");
    let base = images.resolve(Some("acme"), "base:1").await.expect("there");
    // The job's lease is enough.
    images.remove(None, "base:1", true).await.expect("removed");
    let info =
        images.commit(changes(&folder, Some(base.image.digest.clone()), "mine")).await.expect("committed");
    assert_eq!((info.layers, info.tenant.as_deref()), (2, Some("acme")));
    drop(base);
    images.gc().await.expect("swept");
    let made = images.resolve(Some("acme"), "mine").await.expect("there");
    assert_eq!(read(&folder, &made.layers[0], "srv/new"), "by the job");
    assert_eq!(read(&folder, &made.layers[1], "content"), "base");
    assert!(!tree(&folder, &made.layers[0]).join("workspace/left").exists());
    let env: Vec<String> = made.image.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["PATH=/bin", "A=b=c"], "as its base has it");
    assert_eq!((made.image.user.as_str(), made.image.command), ("app", vec!["true".into()]));
    let details = images.inspect(Some("acme"), "mine").await.expect("there");
    assert_eq!(details.history, ["a tool", "stockade image commit"]);
    assert_eq!(details.labels.get("a").map(String::as_str), Some("b"));
    assert!(images.resolve(Some("other"), "mine").await.is_err(), "it is acme's");
    drop(images);
    walk::check(folder.path());
}

#[tokio::test]
async fn a_job_without_an_image_has_nothing_to_be_committed_to() {
    let folder = Folder::new();
    let images = folder.images();
    let refused = images.commit(changes(&folder, None, "mine")).await.expect_err("refused");
    assert_eq!(refused.code(), "no_base_image");
    let gone = changes(&folder, Some(format!("sha256:{}", "0".repeat(64))), "mine");
    assert_eq!(images.commit(gone).await.expect_err("refused").code(), "image_not_found");
    let unnamed = changes(&folder, None, "Not A Name");
    assert_eq!(images.commit(unnamed).await.expect_err("refused").code(), "invalid_reference");
}
