use std::io::{Read as _, Seek as _};

use super::archives::{GZIP, Members, docker, image, layout, named};
use super::kit::{Folder, gzip, import, memory, rootfs, tar};
use super::walk;
use crate::Format;

#[tokio::test]
async fn what_is_exported_is_the_same_image_elsewhere() {
    let (here, there) = (Folder::new(), Folder::new());
    let (one, other) = (here.images(), there.images());
    let layers = [rootfs("lower"), tar(&[("content", b"upper")])];
    let mut members = Members::default();
    let blobs = [gzip(&layers[0]), gzip(&layers[1]), gzip(&layers[0])];
    let blobs: Vec<(&str, &[u8])> = blobs.iter().map(|blob| (GZIP, &blob[..])).collect();
    let manifest = image(&mut members, &[&layers[0], &layers[1], &layers[0]], &blobs);
    let archive = layout(members, &[named(manifest, "registry.example/app:1")]);
    let imported = import(&one, &archive.tar(), None).await.expect("imported").remove(0);
    for (format, same_manifest) in [(Format::Oci, true), (Format::Docker, false)] {
        let mut out = memory("export");
        let copy = out.try_clone().expect("a descriptor");
        one.export(None, "registry.example/app:1", format, copy).await.expect("exported");
        out.rewind().expect("at its start");
        let mut bytes = Vec::new();
        out.read_to_end(&mut bytes).expect("read");
        let again = import(&other, &bytes, None).await.expect("imported").remove(0);
        assert_eq!(again.name, "registry.example/app:1");
        assert_eq!(again.digest == imported.digest, same_manifest);
        let (was, is) = (
            one.inspect(None, "registry.example/app:1").await.expect("there"),
            other.inspect(None, "registry.example/app:1").await.expect("there"),
        );
        assert_eq!(was.config_digest, is.config_digest);
        assert_eq!(was.layer, is.layer);
    }
    drop(other);
    // The image that the name stood for before.
    there.images().gc().await.expect("swept");
    walk::check(there.path());
}

#[tokio::test]
async fn who_does_not_read_on_ends_an_export() {
    let folder = Folder::new();
    let images = folder.images();
    let noise: Vec<u8> =
        (0..2_000_000u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56).to_le_bytes()[0]).collect();
    let layer = tar(&[("noise", &noise)]);
    import(&images, &docker(&[&layer], &["app:1"]).tar(), None).await.expect("imported");
    let (from, into) = std::io::pipe().expect("a pipe");
    drop(from);
    let into = std::fs::File::from(std::os::fd::OwnedFd::from(into));
    let cut = images.export(None, "app:1", Format::Oci, into).await.expect_err("nobody reads");
    assert_eq!(cut.code(), "internal");
    assert_eq!(
        images.export(None, "other", Format::Oci, memory("x")).await.expect_err("no").code(),
        "image_not_found"
    );
}
