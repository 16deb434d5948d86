use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::archives::{GZIP, INDEX, Members, OCI, PLAIN, docker, image, layout, named};
use super::kit::{Folder, digest, gzip, import, open, read, rootfs, tar};
use super::walk;
use crate::tool::Refusal;
use crate::{Error, Silent};

#[tokio::test]
async fn a_root_filesystem_becomes_an_image_of_one_layer() {
    let folder = Folder::new();
    let images = folder.images();
    for archive in [rootfs("plain"), gzip(&rootfs("gzip"))] {
        let imported = import(&images, &archive, Some("base")).await.expect("imported");
        assert_eq!(imported[0].name, "docker.io/library/base:latest");
        let resolved = images.resolve(Some("acme"), "base").await.expect("there");
        let content = if archive[0] == 0x1f { "gzip" } else { "plain" };
        assert_eq!(read(&folder, &resolved.layers[0], "content"), content);
        assert!(resolved.image.passwd.contains("app:x:7:7"), "{:?}", resolved.image.passwd);
        assert_eq!(resolved.image.digest, imported[0].digest);
        assert_eq!((resolved.image.command.len(), resolved.image.user.as_str()), (0, ""));
    }
    assert_eq!(images.gc().await.expect("swept").images, 1, "the first has no name any more");
    walk::check(folder.path());
}

#[tokio::test]
async fn a_docker_archive_has_names_layers_and_a_config() {
    let folder = Folder::new();
    let images = folder.images();
    let (lower, upper) = (rootfs("lower"), tar(&[("content", b"upper")]));
    let archive = docker(&[&lower, &upper], &["app:1", "registry.example:5000/team/app:2"]);
    let imported = import(&images, &archive.tar(), None).await.expect("imported");
    let names: Vec<&str> = imported.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["docker.io/library/app:1", "registry.example:5000/team/app:2"]);
    assert_eq!((imported[0].layers, imported[0].platform.as_str()), (2, "linux/amd64"));
    let resolved = images.resolve(None, "app:1").await.expect("there");
    assert_eq!(read(&folder, &resolved.layers[0], "content"), "upper", "topmost first");
    assert_eq!(read(&folder, &resolved.layers[1], "content"), "lower");
    let image = resolved.image;
    assert_eq!(image.env, [("PATH".into(), "/bin".into()), ("A".into(), "b=c".into())]);
    assert_eq!((image.user.as_str(), image.workdir.as_str()), ("app", "/srv"));
    assert_eq!((image.entrypoint, image.command), (vec!["/bin/sh".into(), "-c".into()], vec!["true".into()]));
    assert!(image.passwd.contains("app:x:7:7"), "of the layer below, as the upper has none");
    let details = images.inspect(None, "app:1").await.expect("there");
    assert_eq!(
        (details.layer.len(), details.history, details.info.name.as_str()),
        (2, vec!["a tool".into()], "docker.io/library/app:1")
    );
}

#[tokio::test]
async fn a_layout_is_taken_as_a_tar_and_as_a_folder() {
    let (folder, layer) = (Folder::new(), rootfs("layout"));
    let images = folder.images();
    let mut members = Members::default();
    let manifest = image(&mut members, &[&layer], &[(GZIP, &gzip(&layer))]);
    let digest = manifest["digest"].as_str().expect("a digest").to_owned();
    let members = layout(members, &[named(manifest, "docker.io/library/app:3")]);
    let imported = import(&images, &gzip(&members.tar()), None).await.expect("imported");
    assert_eq!(
        (imported[0].digest.as_str(), imported[0].name.as_str()),
        (&digest[..], "docker.io/library/app:3")
    );

    let there = folder.path().join("layout");
    std::fs::create_dir_all(there.join("blobs/sha256")).expect("a folder");
    for (name, bytes) in &members.0 {
        std::fs::write(there.join(name), bytes).expect("written");
    }
    let again = images.import(File::open(&there).expect("opened"), Some("other"), None, Arc::new(Silent));
    assert_eq!(again.await.expect("imported")[0].digest, digest);
    std::fs::remove_file(there.join("index.json")).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", there.join("index.json")).expect("a link");
    let refused = images.import(File::open(&there).expect("opened"), Some("evil"), None, Arc::new(Silent));
    assert_eq!(refused.await.expect_err("refused").code(), "archive_refused");
}

#[tokio::test]
async fn of_many_platforms_the_hosts_is_taken() {
    let folder = Folder::new();
    let images = folder.images();
    let (ours, other) = (rootfs("ours"), rootfs("other"));
    let here = crate::store::documents::architecture();
    let mut members = Members::default();
    let mut entries = Vec::new();
    for (layer, architecture, variant) in
        [(&other, here, Some("v3")), (&other, "s390x", None), (&ours, here, None), (&other, "unknown", None)]
    {
        let mut entry = image(&mut members, &[layer], &[(PLAIN, layer)]);
        entry["platform"] = json!({ "os": if architecture == "unknown" { "unknown" } else { "linux" },
                                    "architecture": architecture, "variant": variant });
        entries.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let entry = members.blob(INDEX, index.to_string().as_bytes());
    let archive = layout(members, &[named(entry, "latest")]);
    let refused = import(&images, &archive.tar(), None).await.expect_err("a tag alone is no name");
    assert_eq!(refused.code(), "invalid_reference");
    import(&images, &archive.tar(), Some("multi")).await.expect("imported");
    let resolved = images.resolve(None, "multi").await.expect("there");
    assert_eq!(read(&folder, &resolved.layers[0], "content"), "ours");

    let mut members = Members::default();
    let mut entry = image(&mut members, &[&other], &[(PLAIN, &other)]);
    entry["platform"] = json!({ "os": "linux", "architecture": "s390x" });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    let entry = members.blob(INDEX, index.to_string().as_bytes());
    let refused =
        import(&images, &layout(members, &[entry]).tar(), Some("alien")).await.expect_err("refused");
    let Error::NoPlatform { there, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(there, ["linux/s390x"]);
}

#[tokio::test]
async fn what_is_not_what_it_says_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let images = folder.images();
    let (layer, bad) = (rootfs("good"), rootfs("bad"));
    let mut forged = docker(&[&layer], &["app:1"]);
    forged.0[0].1.clone_from(&bad);
    let mut counted = docker(&[&layer, &layer], &["app:1"]);
    let last = counted.0.len() - 2;
    let manifest: serde_json::Value = serde_json::from_slice(&counted.0[last].1).expect("JSON");
    let mut manifest = manifest;
    manifest[0]["Layers"].as_array_mut().expect("a list").pop();
    counted.0[last].1 = manifest.to_string().into_bytes();
    let mut other_blob = Members::default();
    let entry = image(&mut other_blob, &[&layer], &[(PLAIN, &layer)]);
    let position = other_blob.0.iter().position(|(_, bytes)| *bytes == layer).expect("there");
    other_blob.0[position].1.clone_from(&bad);
    let mut encrypted = Members::default();
    let strange =
        image(&mut encrypted, &[&layer], &[("application/vnd.oci.image.layer.v1.tar+encrypted", &layer)]);
    let mut first = Members::default();
    let old = first.blob(OCI, br#"{"schemaVersion":1,"fsLayers":[]}"#);
    for (archive, code) in [
        (forged.tar(), "archive_refused"),
        (counted.tar(), "archive_refused"),
        (layout(other_blob, &[entry]).tar(), "digest_mismatch"),
        (layout(encrypted, &[strange]).tar(), "unsupported_media_type"),
        (layout(first, &[old]).tar(), "unsupported_media_type"),
        (b"certainly not an archive of any kind".to_vec(), "archive_refused"),
        (gzip(&rootfs("cut"))[..100].to_vec(), "archive_refused"),
        (tar(&[("manifest.json", b"[]")]), "archive_refused"),
        (tar(&[("manifest.json", &b"[".repeat(5 << 20))]), "too_large"),
    ] {
        let refused = import(&images, &archive, Some("app")).await.expect_err(code);
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.hint().is_some());
    }
    assert!(images.list(crate::Scope::All).await.expect("listed").is_empty());
    images.gc().await.expect("swept");
    walk::check(folder.path());
    walk::is_empty(folder.path());
}

#[tokio::test]
async fn a_layer_that_unpacks_to_something_else_is_refused() {
    let folder = Folder::new();
    let images = folder.images();
    let (layer, bad) = (rootfs("good"), rootfs("bad"));
    let mut members = Members::default();
    let entry = image(&mut members, &[&layer], &[(PLAIN, &bad)]);
    let refused = import(&images, &layout(members, &[entry]).tar(), Some("app")).await.expect_err("refused");
    assert!(matches!(refused, Error::ArchiveRefused { code: Refusal::DiffId, .. }), "{refused:?}");
    let trees = std::fs::read_dir(folder.path().join("images/layers")).expect("a folder");
    assert_eq!(trees.count(), 0, "the tree of what was refused is gone at once");
}

#[tokio::test]
async fn an_archive_may_come_through_a_pipe() {
    let folder = Folder::new();
    let images = open(folder.path());
    let (from, into) = std::io::pipe().expect("a pipe");
    let layer = rootfs("piped");
    let writing = std::thread::spawn(move || File::from(std::os::fd::OwnedFd::from(into)).write_all(&layer));
    let from = File::from(std::os::fd::OwnedFd::from(from));
    let imported =
        images.import(from, Some("piped"), Some("acme"), Arc::new(Silent)).await.expect("imported");
    writing.join().expect("no panic").expect("written");
    assert_eq!(imported[0].tenant.as_deref(), Some("acme"));
    let resolved = images.resolve(Some("acme"), "piped").await.expect("there");
    assert_eq!(read(&folder, &resolved.layers[0], "content"), "piped");
    assert_eq!(
        images.inspect(Some("acme"), "piped").await.expect("there").layer[0].digest,
        digest(&rootfs("piped"))
    );
}

#[tokio::test]
async fn what_a_layer_hides_wholly_is_no_part_of_the_root() {
    let folder = Folder::new();
    let images = folder.images();
    let hiding = tar(&[(".wh..wh..opq", b""), ("content", b"alone")]);
    let top = tar(&[("more", b"above")]);
    let layers: [&[u8]; 3] = [&rootfs("hidden"), &hiding, &top];
    import(&images, &docker(&layers, &["app:1"]).tar(), None).await.expect("imported");
    let resolved = images.resolve(None, "app:1").await.expect("there");
    assert_eq!(resolved.layers.len(), 2);
    assert_eq!(read(&folder, &resolved.layers[1], "content"), "alone");
    assert_eq!(resolved.image.passwd, "", "the accounts below are hidden too");
}
