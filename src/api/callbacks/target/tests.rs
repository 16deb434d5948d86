use super::{Allow, Target, TargetError};

fn target(url: &str) -> Target {
    Target::parse(url).expect(url)
}

fn check(url: &str, allow: &[&str]) -> bool {
    let allow: Vec<Allow> = allow.iter().map(|rule| rule.parse().expect("a rule")).collect();
    target(url).check(&allow).is_ok()
}

#[test]
fn parts() {
    let all = target("HTTPS://Hooks.Example.org:8443/a%20b?x=1&y=2#here");
    assert_eq!((all.tls, all.host.to_string().as_str(), all.port), (true, "hooks.example.org", 8443));
    assert_eq!(
        (all.authority.as_bytes(), all.path.as_str()),
        (&b"hooks.example.org:8443"[..], "/a%20b?x=1&y=2")
    );
    assert_eq!(all.receiver(), "hooks.example.org:8443");
    let plain = target("http://example.org");
    assert_eq!((plain.tls, plain.port, plain.path.as_str()), (false, 80, "/"));
    assert_eq!(plain.authority.as_bytes(), b"example.org");
    assert_eq!(target("https://[2606:4700::1]/").authority.as_bytes(), b"[2606:4700::1]");
}

#[test]
fn no_target() {
    for url in [
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:",
        "http://",
        "http://a b/",
        "x",
        "http://h:99999/",
    ] {
        assert!(Target::parse(url).is_err(), "{url}");
    }
    for url in ["http://me@example.org/", "http://:secret@example.org/"] {
        assert!(matches!(Target::parse(url), Err(TargetError::Credentials)), "{url}");
    }
}

#[test]
fn every_spelling_of_an_address() {
    for url in [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://0/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
    ] {
        assert!(!check(url, &[]), "{url}");
    }
    assert!(check("http://0x08080808/", &[]));
    assert!(check("http://example.org/", &[]), "a name is checked when it is resolved");
}

#[test]
fn allowed_where_listed() {
    assert!(check("http://127.0.0.1:9000/", &["127.0.0.1:9000"]));
    assert!(check("http://0x7f.1:9000/", &["10.0.0.0/8", "127.0.0.1:9000"]));
    assert!(!check("http://127.0.0.1:9001/", &["127.0.0.1:9000"]));
}

#[tokio::test]
async fn names_are_resolved_and_then_checked() {
    let local = target("http://localhost:9000/");
    assert!(matches!(local.addresses(&[]).await, Err(TargetError::Refused)));
    let allow = ["127.0.0.1:9000".parse().expect("a rule")];
    assert_eq!(
        local.addresses(&allow).await.expect("allowed"),
        ["127.0.0.1:9000".parse().expect("an address")]
    );
    let none = target("http://no-such-name.invalid/");
    assert!(matches!(none.addresses(&[]).await, Err(TargetError::Resolve(_))));
}
