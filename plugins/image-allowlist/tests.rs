use stockade_policy::testing::{self, Job};

use super::ImageAllowlist;
use crate::reference::Reference;

fn code(job: &Job, settings: &str) -> Option<String> {
    testing::validate::<ImageAllowlist>(job, settings).answer.err().map(|denial| denial.code().into())
}

fn matches(pattern: &str, image: &str) -> bool {
    Reference::parse(image).matches(pattern)
}

#[test]
fn an_empty_list_denies_all() {
    for image in ["host", "python", ""] {
        assert_eq!(
            code(&Job::new().image(image), r#"{"images": []}"#).as_deref(),
            Some("image-not-allowed"),
            "{image}"
        );
    }
}

#[test]
fn what_is_listed_is_allowed_and_nothing_beside_it() {
    let settings = r#"{"images": ["host", "python:3.*", "ghcr.io/acme/**"]}"#;
    for image in [
        "host",
        "python:3.13",
        "docker.io/library/python:3.13",
        "ghcr.io/acme/a/b:1",
        "ghcr.io/acme/a@sha256:00",
    ] {
        assert_eq!(code(&Job::new().image(image), settings), None, "{image}");
    }
    for image in [
        "python",
        "python:2.7",
        "evil/python:3.13",
        "ghcr.io/acme",
        "ghcr.io/acme.evil/a",
        "xghcr.io/acme/a",
        "hosts",
    ] {
        assert_eq!(code(&Job::new().image(image), settings).as_deref(), Some("image-not-allowed"), "{image}");
    }
}

#[test]
fn references_are_compared_by_what_they_mean() {
    for (pattern, image) in [
        ("docker.io/library/*", "python"),
        ("docker.io/acme/*", "acme/tool:1"),
        ("acme/*", "acme/tool"),
        ("python", "python@sha256:12"),
        ("python@sha256:12", "python:3@sha256:12"),
        ("localhost:5000/*", "localhost:5000/tool"),
        ("*:latest", "python"),
        ("**:latest", "ghcr.io/a/b"),
        ("**", "ghcr.io/a/b:1@sha256:00"),
    ] {
        assert!(matches(pattern, image), "{pattern} {image}");
    }
    for (pattern, image) in [
        ("docker.io/library/*", "acme/tool"),
        ("python@sha256:12", "python"),
        ("python:3", "python@sha256:12"),
        ("localhost:5000/*", "localhost:6000/tool"),
        ("**", "host"),
        ("docker.io/library/host", "host"),
        ("host", "docker.io/library/host"),
        ("**:latest", "python@sha256:12"),
    ] {
        assert!(!matches(pattern, image), "{pattern} {image}");
    }
}

#[test]
fn forbidden_wins() {
    let settings = r#"{"images": ["**"], "forbidden": ["**:latest"]}"#;
    assert_eq!(code(&Job::new().image("ghcr.io/a/b"), settings).as_deref(), Some("image-forbidden"));
    assert_eq!(code(&Job::new().image("ghcr.io/a/b:2"), settings), None);
}

#[test]
fn a_tenant_has_its_own_images_as_well() {
    let settings = r#"{"images": ["host"], "tenants": {"acme": ["ghcr.io/acme/**"]}}"#;
    let job = Job::new().image("ghcr.io/acme/tool");
    assert_eq!(code(&job.clone().tenant("acme"), settings), None);
    assert_eq!(code(&job.tenant("other"), settings).as_deref(), Some("image-not-allowed"));
    assert_eq!(code(&Job::new().tenant("acme"), settings), None);
}

#[test]
fn a_digest_can_be_required() {
    let settings = r#"{"images": ["**", "host"], "require_digest": true}"#;
    let run = testing::validate::<ImageAllowlist>(&Job::new().image("a:1"), settings);
    assert_eq!((run.denial().code(), run.denial().pointer()), ("image-digest-required", Some("/image")));
    assert_eq!(code(&Job::new().image("a:1@sha256:00"), settings), None);
    assert_eq!(code(&Job::new(), settings), None);
}

#[test]
fn settings_that_match_nothing_are_refused() {
    let errors = testing::check::<ImageAllowlist>(r#"{"images": ["a", ""], "tenants": {"x/y": ["a b"]}}"#);
    let pointers: Vec<_> = errors.iter().map(stockade_policy::SettingsError::pointer).collect();
    assert_eq!(pointers, ["/images/1", "/tenants/x~1y/0"]);
    assert_eq!(testing::check::<ImageAllowlist>("{}")[0].message(), "missing field `images`");
    assert_eq!(testing::check::<ImageAllowlist>(r#"{"images": [], "image": []}"#)[0].pointer(), "/image");
}
