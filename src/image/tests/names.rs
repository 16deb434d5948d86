use std::sync::Arc;

use super::archives::docker;
use super::kit::{Folder, file, import, rootfs};
use crate::store::names::Meant;
use crate::{Scope, Silent};

#[test]
fn references_are_made_whole_or_refused() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for (reference, name) in [
        ("busybox", "docker.io/library/busybox:latest"),
        ("busybox:1", "docker.io/library/busybox:1"),
        ("team/app", "docker.io/team/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("docker.io/library/busybox", "docker.io/library/busybox:latest"),
    ] {
        assert_eq!(Meant::name(reference).expect(reference), name);
    }
    let whole = format!("docker.io/library/busybox@{digest}");
    for reference in [format!("busybox@{digest}"), format!("busybox:1@{digest}")] {
        assert_eq!(Meant::name(&reference).expect("a name"), whole);
    }
    assert_eq!(Meant::parse(&digest).expect("a digest"), Meant::Digest(digest.clone()));
    let long = format!("a{}", "/a".repeat(400));
    for reference in [
        "",
        "Busybox",
        "a b",
        "../etc",
        "sha256:abc",
        "a@sha512:00",
        &digest.to_uppercase(),
        &digest,
        &long,
        "a:b:c",
        "a/ü",
    ] {
        let refused = Meant::name(reference).expect_err(reference);
        assert_eq!(refused.code(), "invalid_reference", "{reference}");
    }
}

#[tokio::test]
async fn a_tenants_own_names_come_before_everybodys() {
    let folder = Folder::new();
    let images = folder.images();
    let everybodys = import(&images, &rootfs("everybody's"), Some("app")).await.expect("imported");
    let of = |tenant, content: &str| {
        let (images, archive) = (images.clone(), rootfs(content));
        async move { images.import(file(&archive), Some("app"), Some(tenant), Arc::new(Silent)).await }
    };
    let own = of("acme", "acme's").await.expect("imported");
    let found = async |tenant, reference: &str| {
        images.resolve(tenant, reference).await.map(|found| found.image.digest)
    };
    assert_eq!(found(Some("acme"), "app").await.expect("there"), own[0].digest);
    assert_eq!(found(Some("other"), "app").await.expect("there"), everybodys[0].digest);
    assert_eq!(found(None, "app").await.expect("there"), everybodys[0].digest);
    for reference in [own[0].digest.clone(), format!("app@{}", own[0].digest)] {
        assert_eq!(found(Some("acme"), &reference).await.expect("there"), own[0].digest);
        for stranger in [Some("other"), None] {
            let refused = found(stranger, &reference).await.expect_err("another's");
            assert_eq!(refused.code(), "image_not_found");
        }
    }
    let other = format!("docker.io/library/ap@{}", own[0].digest);
    assert_eq!(found(Some("acme"), &other).await.expect_err("another name").code(), "image_not_found");
    let seen = async |scope| images.list(scope).await.expect("listed").len();
    assert_eq!(seen(Scope::All).await, 2);
    assert_eq!(seen(Scope::Tenant("acme".into())).await, 2);
    assert_eq!(seen(Scope::Tenant("other".into())).await, 1);
    assert!(
        images.remove(Some("other"), "app", false).await.is_err(),
        "everybody's is not a tenant's to remove"
    );
}

#[tokio::test]
async fn a_name_moves_and_what_it_meant_before_goes() {
    let folder = Folder::new();
    let images = folder.images();
    let (one, two) = (rootfs("one"), rootfs("two"));
    import(&images, &docker(&[&one], &["app:1", "app:latest"]).tar(), None).await.expect("imported");
    import(&images, &docker(&[&two], &["app:latest"]).tar(), None).await.expect("imported");
    assert_eq!(images.gc().await.expect("swept").images, 0);
    let digests = async |name: &str| images.resolve(None, name).await.expect("there").image.digest;
    assert_ne!(digests("app:1").await, digests("app").await);
    let removed = images.remove(None, "app:1", false).await.expect("removed");
    assert_eq!((removed.names, removed.freed.images), (vec!["docker.io/library/app:1".to_owned()], 1));
    assert_eq!(removed.freed.layers, 1);
    assert_eq!(images.list(Scope::All).await.expect("listed").len(), 1);
    drop(images);
    super::walk::check(folder.path());
}
