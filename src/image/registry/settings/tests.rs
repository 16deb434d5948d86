use std::path::Path;

use super::*;

fn with(name: &str, registry: Registry) -> Settings {
    Settings { registries: [(name.to_owned(), registry)].into(), ..Settings::default() }
}

fn bases(settings: &Settings, name: &str) -> Vec<String> {
    let endpoints = settings.endpoints(name).expect("good settings");
    endpoints.iter().map(|endpoint| endpoint.base.to_string()).collect()
}

#[test]
fn plain_http_is_for_loopback_or_those_named() {
    let none = Settings::default();
    for (name, base) in [
        ("docker.io", "https://registry-1.docker.io/"),
        ("ghcr.io", "https://ghcr.io/"),
        ("10.0.0.1:5000", "https://10.0.0.1:5000/"),
        ("localhost", "http://localhost/"),
        ("localhost:5000", "http://localhost:5000/"),
        ("127.9.9.9:5000", "http://127.9.9.9:5000/"),
        ("127.0.0.1.example.org", "https://127.0.0.1.example.org/"),
        ("notlocalhost", "https://notlocalhost/"),
    ] {
        assert_eq!(bases(&none, name), [base]);
    }
    let insecure = |value| Registry { insecure: Some(value), ..Registry::default() };
    assert_eq!(bases(&with("lan:5000", insecure(true)), "lan:5000"), ["http://lan:5000/"]);
    assert_eq!(
        bases(&with("localhost:5000", insecure(false)), "localhost:5000"),
        ["https://localhost:5000/"]
    );
}

#[test]
fn mirrors_come_first() {
    let mirrors = vec!["http://127.0.0.1:5000".to_owned(), "https://mirror.example".to_owned()];
    let settings = with("docker.io", Registry { mirrors, ..Registry::default() });
    settings.check().expect("good settings");
    assert_eq!(
        bases(&settings, "docker.io"),
        ["http://127.0.0.1:5000/", "https://mirror.example/", "https://registry-1.docker.io/"]
    );
}

#[test]
fn mirrors_that_are_none_are_refused() {
    for (mirror, reason) in [
        ("http://mirror.lan", "insecure"),
        ("mirror.lan", "URL"),
        ("ftp://mirror.lan", "https and http"),
        ("https://mirror.lan/path", "host and port"),
        ("https://me:password@mirror.lan", "auth file"),
    ] {
        let settings =
            with("docker.io", Registry { mirrors: vec![mirror.to_owned()], ..Registry::default() });
        let error = settings.check().expect_err(mirror).to_string();
        assert!(error.contains(reason), "{mirror}: {error}");
    }
    let lan = vec!["http://mirror.lan".to_owned()];
    with("docker.io", Registry { mirrors: lan, insecure: Some(true), ca: None })
        .check()
        .expect("it is named");
    with("a/b", Registry::default()).check().expect_err("a path is no registry");
}

#[test]
fn an_authority_is_for_tls() {
    let ca = |insecure| Registry { ca: Some("ca.pem".into()), insecure, ..Registry::default() };
    assert_eq!(bases(&with("localhost:5000", ca(None)), "localhost:5000"), ["https://localhost:5000/"]);
    let error = with("lan:5000", ca(Some(true))).check().expect_err("neither can be meant").to_string();
    assert!(error.contains("lan:5000") && error.contains("insecure"), "{error}");
    // A mirror has its own; without one, its registry's.
    let mirrors = vec!["https://a.lan".to_owned(), "https://b.lan".to_owned()];
    let mut settings = with("lan:5000", Registry { mirrors, ..ca(None) });
    settings
        .registries
        .insert("a.lan".to_owned(), Registry { ca: Some("a.pem".into()), ..Registry::default() });
    let endpoints = settings.endpoints("lan:5000").expect("good settings");
    let trusted: Vec<_> =
        endpoints.iter().map(|endpoint| endpoint.ca.as_deref().and_then(Path::to_str)).collect();
    assert_eq!(trusted, [Some("a.pem"), Some("ca.pem"), Some("ca.pem")]);
    assert_eq!(settings.endpoints("ghcr.io").expect("good settings")[0].ca, None);
}
