use stockade_policy::SettingsError;
use stockade_policy::testing::{self, Job};

use super::EgressGuard;

const SETTINGS: &str = r#"{"hosts": ["pypi.org", "*.pythonhosted.org:443", "db.internal:5432", "10.1.*.*:53", "mirror:*", "2001:db8::1"],
    "tenants": {"acme": ["api.acme.example:8443"]}, "forbidden": ["evil.pythonhosted.org:*"]}"#;

fn connect(tenant: &str, host: &str, port: u16) -> Option<String> {
    let run = testing::connect::<EgressGuard>(&Job::new().tenant(tenant), SETTINGS, host, port);
    run.answer.err().map(|denial| denial.code().into())
}

const NOT_ALLOWED: &str = "host-not-allowed";

#[test]
fn an_empty_list_denies_all() {
    let run = testing::connect::<EgressGuard>(&Job::new(), r#"{"hosts": []}"#, "pypi.org", 443);
    assert_eq!(run.denial().code(), "host-not-allowed");
    let run =
        testing::validate::<EgressGuard>(&Job::new().network_hosts(["pypi.org:443"]), r#"{"hosts": []}"#);
    assert_eq!(run.denial().pointer(), Some("/network/hosts/0"));
}

#[test]
fn connections_follow_the_rules() {
    for (host, port) in [
        ("pypi.org", 443),
        ("pypi.org.", 443),
        ("PyPI.org", 443),
        ("files.pythonhosted.org", 443),
        ("db.internal", 5432),
        ("10.1.2.3", 53),
        ("mirror", 80),
        ("2001:db8::1", 443),
    ] {
        assert_eq!(connect("x", host, port), None, "{host} {port}");
    }
    for (host, port) in [
        ("pypi.org", 80),
        ("pypi.org.evil.example", 443),
        ("pythonhosted.org", 443),
        ("db.internal", 443),
        ("10.2.2.3", 53),
        ("10.1.2.3", 443),
        ("api.acme.example", 8443),
        ("", 443),
    ] {
        assert_eq!(connect("x", host, port).as_deref(), Some(NOT_ALLOWED), "{host} {port}");
    }
    assert_eq!(connect("acme", "api.acme.example", 8443), None);
    assert_eq!(connect("x", "evil.pythonhosted.org", 443).as_deref(), Some("host-forbidden"));
}

#[test]
fn a_pattern_for_names_lets_no_address_through() {
    for host in [
        "169.254.169.254",
        "127.1",
        "2130706433",
        "0x7f000001",
        "::1",
        "::ffff:10.0.0.1",
        "[::1]",
        "10.0.0.1.",
    ] {
        let run = testing::connect::<EgressGuard>(
            &Job::new(),
            r#"{"hosts": ["*:*", "**:*", "*.*.*.*:*"]}"#,
            host,
            80,
        );
        assert!(run.answer.is_err(), "{host}");
    }
}

#[test]
fn a_job_is_judged_by_the_hosts_that_it_names() {
    let judged = |hosts: &[&str]| {
        let run =
            testing::validate::<EgressGuard>(&Job::new().network_hosts(hosts.iter().copied()), SETTINGS);
        run.answer.err().map(|denial| denial.pointer().unwrap_or_default().to_owned())
    };
    assert_eq!(judged(&[]), None);
    assert_eq!(judged(&["pypi.org:443", "a.pythonhosted.org:443", "[2001:db8::1]:443", "mirror"]), None);
    assert_eq!(judged(&["pypi.org:443", "example.org:443"]).as_deref(), Some("/network/hosts/1"));
    assert_eq!(judged(&["pypi.org"]).as_deref(), Some("/network/hosts/0"), "all ports are more than one");
    assert_eq!(
        judged(&["*:443"]).as_deref(),
        Some("/network/hosts/0"),
        "a job's pattern is more than a name"
    );
    assert_eq!(judged(&["pypi.org:https"]).as_deref(), Some("/network/hosts/0"));
}

#[test]
fn the_whole_network_needs_leave() {
    let job = Job::new().network_mode("full");
    let run = testing::validate::<EgressGuard>(&job, SETTINGS);
    assert_eq!(
        (run.denial().code(), run.denial().pointer()),
        ("network-mode-not-allowed", Some("/network/mode"))
    );
    let settings = r#"{"hosts": [], "allow_full": true, "forbidden": ["169.254.169.254:*"]}"#;
    testing::validate::<EgressGuard>(&job, settings).allowed();
    testing::connect::<EgressGuard>(&job, settings, "example.org", 22).allowed();
    assert_eq!(
        testing::connect::<EgressGuard>(&job, settings, "169.254.169.254", 80).denial().code(),
        "host-forbidden"
    );
    assert!(testing::connect::<EgressGuard>(&Job::new(), settings, "example.org", 22).answer.is_err());
    assert!(testing::validate::<EgressGuard>(&Job::new().network_mode("host"), settings).answer.is_err());
    testing::validate::<EgressGuard>(&Job::new(), r#"{"hosts": []}"#).allowed();
}

#[test]
fn rules_that_match_nothing_are_refused() {
    for (settings, pointer) in [
        ("{}", ""),
        (r#"{"hosts": ["a:443", "a:0"]}"#, "/hosts/1"),
        (r#"{"hosts": ["a:http"]}"#, "/hosts/0"),
        (r#"{"hosts": ["https://a"]}"#, "/hosts/0"),
        (r#"{"hosts": [""]}"#, "/hosts/0"),
        (r#"{"hosts": [], "forbidden": ["10.0.0.0/8"]}"#, "/forbidden/0"),
        (r#"{"hosts": [], "tenants": {"a": [":80"]}}"#, "/tenants/a/0"),
    ] {
        let errors = testing::check::<EgressGuard>(settings);
        assert_eq!(errors.first().map(SettingsError::pointer), Some(pointer), "{settings}");
    }
}
