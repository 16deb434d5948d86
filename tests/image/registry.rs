//! To and from Debian's docker-registry.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use image::registry::Registry;
use image::{Format, Silent};
use serde_json::{Value, json};
use support::Temp;

use crate::support::{Authority, Docker, Here, Layout, Proxy, output};

crate::bodies!(
    ["docker-registry", "skopeo", "umoci", "busybox", "htpasswd", "curl"],
    by_tag_and_digest,
    with_a_password,
    what_is_not_there,
    through_cuts,
    by_a_mirror,
    with_a_certificate,
    without_tls,
    what_a_registry_lies_about,
    for_this_platform,
    in_other_formats,
    there_and_back,
    exported,
);

fn by_tag_and_digest() {
    let (docker, layout, here) = (Docker::open(), Layout::new(), Here::new());
    docker.fill(&layout, "busybox:latest", &[]);
    let pulled = here.pull(&docker.image("busybox")).expect("by its tag");
    assert_eq!(pulled.name, docker.image("busybox:latest"));
    assert_eq!(pulled.layers, 2);
    let by_digest = docker.image(&format!("busybox@{}", pulled.digest));
    for reference in [docker.image("busybox:latest"), by_digest.clone(), pulled.digest.clone()] {
        let resolved = here.wait(here.images.resolve(None, &reference)).expect("it is there");
        assert_eq!((resolved.image.digest.as_str(), resolved.layers.len()), (pulled.digest.as_str(), 2));
        assert!(
            resolved.image.env.contains(&("GREETING".into(), "hello".into())),
            "{:?}",
            resolved.image.env
        );
        assert_eq!(
            (resolved.image.command, resolved.image.user),
            (vec!["sh".to_owned()], "nobody".to_owned())
        );
        assert!(resolved.image.passwd.contains("nobody:x:65534"), "{}", resolved.image.passwd);
    }
    let tree = here.tree(&pulled.name, 0);
    assert!(fs::read(tree.join("usr/share/noise")).expect("a file") == layout.noise());
    assert!(fs::read(tree.join("bin/busybox")).expect("a file") == fs::read("/bin/busybox").expect("a file"));
    assert_eq!(fs::read_link(tree.join("bin/sh")).expect("a link").to_str(), Some("busybox"));
    assert_eq!(fs::read(here.tree(&pulled.name, 1).join("etc/motd")).expect("a file"), b"two layers\n");
    let elsewhere = Here::new();
    assert_eq!(elsewhere.pull(&by_digest).expect("by its digest").digest, pulled.digest);
}

fn with_a_password() {
    let (docker, layout, here) = (Docker::closed("hunter2"), Layout::new(), Here::new());
    docker.fill(&layout, "secret/busybox:1", &[]);
    let image = docker.image("secret/busybox:1");
    let nobody = here.pull(&image).expect_err("nobody may");
    assert_eq!(nobody.code(), "unauthorized");
    assert!(nobody.hint().is_some_and(|hint| hint.contains("no credentials")), "{:?}", nobody.hint());
    docker.login(&here, "hunter3");
    let wrong = here.pull(&image).expect_err("it is another one");
    assert_eq!(wrong.code(), "unauthorized");
    let said = format!("{wrong} {wrong:?} {:?}", wrong.hint());
    assert!(said.contains("auth.json") && !said.contains("hunter"), "{said}");
    docker.login(&here, "hunter2");
    here.pull(&image).expect("with the password");
    // And as skopeo has written it.
    let other = Here::new();
    let login = ["login", "--tls-verify=false", "-u", "me", "-p", "hunter2", "--authfile"];
    output("skopeo", &[&login[..], &[&other.auth_file(), docker.name()]].concat());
    other.pull(&image).expect("with what skopeo knows");
}

fn what_is_not_there() {
    let (docker, layout, here) = (Docker::open(), Layout::new(), Here::new());
    docker.fill(&layout, "busybox:latest", &[]);
    for name in ["busybox:2", "nothing", &format!("busybox@sha256:{}", "0".repeat(64))] {
        let error = here.pull(&docker.image(name)).expect_err("it is not there");
        assert_eq!(error.code(), "image_not_found", "{error}");
        assert!(error.to_string().contains(docker.name()), "{error}");
    }
    let image = docker.image("busybox");
    drop(docker);
    assert_eq!(here.pull(&image).expect_err("nobody listens").code(), "registry_unreachable");
    assert_eq!(here.pull("../etc/passwd").expect_err("no name").code(), "invalid_reference");
    here.is_swept();
}

fn through_cuts() {
    let (docker, layout, here) = (Docker::open(), Layout::new(), Here::new());
    docker.fill(&layout, "busybox:latest", &[]);
    let proxy = Proxy::new(docker.name(), 3 << 19);
    let pulled = here.pull(&format!("{}/busybox", proxy.address)).expect("in pieces");
    assert!(proxy.connections() >= pulled.compressed_bytes / (3 << 19), "{}", proxy.connections());
    let (passed, most) = (proxy.passed(), pulled.compressed_bytes * 11 / 10);
    assert!(passed <= most, "{passed} bytes for {}: something was asked for again", pulled.compressed_bytes);
    assert!(fs::read(here.tree(&pulled.name, 0).join("usr/share/noise")).expect("a file") == layout.noise());
}

fn by_a_mirror() {
    let (docker, layout) = (Docker::open(), Layout::new());
    docker.fill(&layout, "library/busybox:latest", &[]);
    let here = Here::with(|settings| {
        // The first does not answer.
        let mirrors = vec!["http://127.0.0.1:1".to_owned(), format!("http://{}", docker.name())];
        settings.registries.insert("docker.io".to_owned(), Registry { mirrors, ..Registry::default() });
    });
    let pulled = here.pull("busybox").expect("from the mirror");
    assert_eq!(pulled.name, "docker.io/library/busybox:latest");
    here.wait(here.images.resolve(None, "busybox")).expect("by its short name");
}

fn with_a_certificate() {
    let (authority, other, layout) = (Authority::new(), Authority::new(), Layout::new());
    let docker = Docker::secure(&authority);
    docker.fill(&layout, "busybox:latest", &[]);
    let trusting = |ca: Option<PathBuf>| {
        let registry = Registry { ca, insecure: Some(false), ..Registry::default() };
        Here::with(|settings| drop(settings.registries.insert(docker.name().to_owned(), registry)))
    };
    let image = docker.image("busybox");
    let missing = PathBuf::from("/nonexistent/ca.pem");
    for (ca, word) in
        [(None, "UnknownIssuer"), (Some(other.file()), "certificate"), (Some(missing), "/nonexistent")]
    {
        let error = trusting(ca).pull(&image).expect_err(word);
        assert_eq!(error.code(), "registry_untrusted", "{error}");
        assert!(error.to_string().contains(word) && error.to_string().contains(docker.name()), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("ca = ")), "{:?}", error.hint());
    }
    let here = trusting(Some(authority.file()));
    let pulled = here.pull(&image).expect("it is trusted");
    assert!(fs::read(here.tree(&pulled.name, 0).join("usr/share/noise")).expect("a file") == layout.noise());
    let pushed = here.push(&pulled.name, &docker.image("again:1")).expect("both ways");
    assert_eq!(pushed, pulled.digest);
}

/// Beyond loopback it takes the operator's word. 0.0.0.0 is this machine, and no loopback address.
fn without_tls() {
    let (docker, layout) = (Docker::open(), Layout::new());
    docker.fill(&layout, "busybox:latest", &[]);
    let name = docker.name().replace("127.0.0.1", "0.0.0.0");
    let image = format!("{name}/busybox");
    let error = Here::new().pull(&image).expect_err("it does not speak TLS");
    assert_eq!(error.code(), "registry_unreachable", "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("insecure = true")), "{:?}", error.hint());
    let registry = Registry { insecure: Some(true), ..Registry::default() };
    let here = Here::with(|settings| drop(settings.registries.insert(name, registry)));
    here.pull(&image).expect("the operator has said so");
}

type Spoil = fn(&mut Vec<u8>);

fn what_a_registry_lies_about() {
    let layout = Layout::new();
    let flip: Spoil = |bytes| bytes[1_000_000] ^= 1;
    let spoil: [(&str, Spoil); 3] = [
        ("digest_mismatch", flip),
        ("size_mismatch", |bytes| bytes.truncate(1_000_000)),
        ("size_mismatch", |bytes| bytes.extend(b"more")),
    ];
    for (code, spoil) in spoil {
        let (docker, here) = (Docker::open(), Here::new());
        docker.fill(&layout, "busybox:latest", &[]);
        let manifest: Value =
            serde_json::from_slice(&docker.inspect("busybox", &["--raw"])).expect("a manifest");
        let blob = docker.blob(manifest["layers"][0]["digest"].as_str().expect("a digest"));
        let right = fs::read(&blob).expect("a blob");
        let mut wrong = right.clone();
        spoil(&mut wrong);
        fs::write(&blob, wrong).expect("an own file");
        let error = here.pull(&docker.image("busybox")).expect_err(code);
        assert_eq!(error.code(), code, "{error}");
        here.wait(here.images.resolve(None, &docker.image("busybox"))).expect_err("it is no image");
        here.is_swept();
        fs::write(&blob, right).expect("an own file");
        here.pull(&docker.image("busybox")).expect("when it does not lie");
    }
}

fn for_this_platform() {
    let (docker, layout, here) = (Docker::open(), Layout::new(), Here::new());
    docker.fill(&layout, "busybox:latest", &[]);
    let raw = docker.inspect("busybox", &["--raw"]);
    let pulled = here.pull(&docker.image("busybox")).expect("the image itself");
    let ours = pulled.platform.rsplit('/').next().expect("linux/ARCHITECTURE").to_owned();
    let entry = |digest: &str, architecture: &str| {
        json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": raw.len(),
            "platform": {"os": "linux", "architecture": architecture}})
    };
    let index = "application/vnd.oci.image.index.v1+json";
    let made = |tag: &str, entries: Value| {
        let text = json!({"schemaVersion": 2, "mediaType": index, "manifests": entries}).to_string();
        let url = format!("http://{}/v2/busybox/manifests/{tag}", docker.name());
        let kind = format!("content-type: {index}");
        output("curl", &["-sSf", "--noproxy", "*", "-X", "PUT", "-H", &kind, "--data-binary", &text, &url]);
    };
    made("many", json!([entry(&pulled.digest, "s390x"), entry(&pulled.digest, &ours)]));
    made("none", json!([entry(&pulled.digest, "s390x"), entry(&pulled.digest, "riscv64")]));
    let many = here.pull(&docker.image("busybox:many")).expect("there is one for this host");
    assert_eq!(many.digest, pulled.digest);
    let error = here.pull(&docker.image("busybox:none")).expect_err("there is none");
    assert_eq!(error.code(), "no_platform");
    assert!(error.to_string().contains("linux/s390x") && error.to_string().contains(&ours), "{error}");
}

fn in_other_formats() {
    let layout = Layout::new();
    let formats: [(&[&str], &str); 2] = [
        (&["--format", "v2s2"], "vnd.docker.distribution.manifest.v2+json"),
        (&["--dest-compress", "--dest-compress-format", "zstd"], "+zstd"),
    ];
    for (options, word) in formats {
        // Of one that it has sent in another format to the same registry, skopeo makes use.
        let (docker, here) = (Docker::open(), Here::new());
        docker.fill(&layout, "other:1", options);
        let raw = String::from_utf8(docker.inspect("other:1", &["--raw"])).expect("JSON");
        assert!(raw.contains(word), "{raw}");
        let pulled = here.pull(&docker.image("other:1")).expect(word);
        assert!(
            fs::read(here.tree(&pulled.name, 0).join("usr/share/noise")).expect("a file") == layout.noise()
        );
    }
}

fn there_and_back() {
    let (open, closed, layout) = (Docker::open(), Docker::closed("hunter2"), Layout::new());
    open.fill(&layout, "busybox:latest", &[]);
    let (here, there) = (Here::new(), Here::new());
    let pulled = here.pull(&open.image("busybox")).expect("the image");
    let refused = here.push(&pulled.name, &closed.image("team/app:2")).expect_err("nobody may");
    assert_eq!(refused.code(), "unauthorized");
    closed.login(&here, "hunter2");
    let digest = here.push(&pulled.name, &closed.image("team/app:2")).expect("it is pushed");
    assert_eq!(digest, pulled.digest);
    // Once more, and to where the blobs are already.
    here.push(&pulled.name, &closed.image("team/app:2")).expect("nothing is to be done");
    here.push(&pulled.name, &open.image("elsewhere:1")).expect("the blobs are mounted");
    let inspected: Value =
        serde_json::from_slice(&closed.inspect("team/app:2", &[])).expect("skopeo answers in JSON");
    assert_eq!(inspected["Digest"], digest.as_str());
    assert!(closed.inspect("team/app:2", &["--raw"]) == open.inspect("busybox", &["--raw"]));
    assert!(open.inspect("elsewhere:1", &["--raw"]) == open.inspect("busybox", &["--raw"]));
    closed.login(&there, "hunter2");
    let back = there.pull(&closed.image("team/app:2")).expect("from another store");
    assert_eq!((back.digest, back.bytes), (pulled.digest, pulled.bytes));
    // What others make of it.
    let temp = Temp::new();
    let (copy, bundle) = (temp.path().join("copy"), temp.path().join("bundle"));
    let (from, to) =
        (format!("docker://{}", closed.image("team/app:2")), format!("oci:{}:2", copy.display()));
    let with = ["--insecure-policy", "--src-tls-verify=false", "--src-creds", "me:hunter2"];
    output("skopeo", &[&["copy"][..], &with, &[&from, &to]].concat());
    let image = format!("{}:2", copy.display());
    output("umoci", &["unpack", "--rootless", "--image", &image, bundle.to_str().expect("text")]);
    assert!(fs::read(bundle.join("rootfs/usr/share/noise")).expect("a file") == layout.noise());
    assert_eq!(fs::read(bundle.join("rootfs/etc/motd")).expect("a file"), b"two layers\n");
}

fn exported() {
    let (docker, layout, here) = (Docker::open(), Layout::new(), Here::new());
    docker.fill(&layout, "busybox:latest", &[]);
    let pulled = here.pull(&docker.image("busybox")).expect("the image");
    let temp = Temp::new();
    let (archive, bundle) = (temp.path().join("image.tar"), temp.path().join("bundle"));
    let out = fs::File::create(&archive).expect("a new file");
    here.wait(here.images.export(None, &pulled.name, Format::Oci, out)).expect("it is written");
    let (from, to) = (
        format!("oci-archive:{}", archive.display()),
        format!("oci:{}:1", temp.path().join("copy").display()),
    );
    output("skopeo", &["copy", "--insecure-policy", &from, &to]);
    let image = format!("{}:1", temp.path().join("copy").display());
    output("umoci", &["unpack", "--rootless", "--image", &image, bundle.to_str().expect("text")]);
    assert!(fs::read(bundle.join("rootfs/usr/share/noise")).expect("a file") == layout.noise());
    // And back, by the import, as the very same.
    let other = Here::new();
    let file = fs::File::open(&archive).expect("it was written");
    let imported =
        other.wait(other.images.import(file, None, None, Arc::new(Silent))).expect("what was exported");
    assert_eq!(imported.first().map(|info| &info.digest), Some(&pulled.digest), "{imported:?}");
}
