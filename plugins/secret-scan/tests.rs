use stockade_policy::testing::{self, Job};
use stockade_policy::{Case, SettingsError};

use super::SecretScan;

/// Put together here, so that no scanner takes this file for a leak.
fn aws() -> String {
    format!("AKIA{}", "Q".repeat(16))
}

fn key() -> String {
    format!("-----BEGIN {} KEY-----\nAAAA\n", "OPENSSH PRIVATE")
}

fn message(job: &Job, settings: &str) -> Option<String> {
    testing::validate::<SecretScan>(job, settings).answer.err().map(|denial| denial.message().to_owned())
}

fn is_found(text: &str) -> bool {
    message(&Job::new().file("f", text), "{}").is_some()
}

#[test]
fn every_kind_is_found() {
    let long = "a1B2".repeat(20);
    for secret in [
        aws(),
        format!("ASIA{}", "7".repeat(16)),
        format!("ghp_{long}"),
        format!("github_pat_{long}"),
        format!("glpat-{long}"),
        format!("xoxb-{long}"),
        format!("AIza{long}"),
        format!("sk_live_{long}"),
        format!("npm_{long}"),
        format!("pypi-AgE{long}"),
        key(),
        key().replace("OPENSSH ", ""),
        key().replace("OPENSSH ", "RSA "),
        key().replace(" KEY-", " KEY BLOCK-").replace("OPENSSH", "PGP"),
    ] {
        assert!(is_found(&secret), "{secret}");
        assert!(is_found(&format!("x = \"{secret}\"")), "{secret}");
    }
}

#[test]
fn what_only_looks_alike_is_not() {
    for text in [
        "",
        "AKIA",
        "AKIAQQQQQQQQ",
        "akiaqqqqqqqqqqqqqqqq",
        &format!("X{}", aws()),
        &format!("_{}", aws()),
        "ghp_short",
        &key().replace("PRIVATE", "PUBLIC"),
        "-----BEGIN CERTIFICATE-----",
        "the words PRIVATE KEY alone",
        "npm_config_registry=https://registry.example",
    ] {
        assert!(!is_found(text), "{text}");
    }
}

#[test]
fn file_line_and_kind_are_told_and_never_the_secret() {
    let job = Job::new().file("a.txt", "fine").file("b.env", format!("one\ntwo\nkey={}\n", aws()));
    let run = testing::validate::<SecretScan>(&job, "{}");
    let denial = run.denial();
    assert_eq!((denial.code(), denial.pointer()), ("secret-found", Some("/files/1")));
    assert_eq!(denial.message(), "file `b.env` line 3 holds an AWS access key");
    assert_eq!(denial.annotations()[0].value, "aws-access-key");
    assert!(!format!("{denial:?}").contains(&aws()));
}

#[test]
fn a_command_is_searched_too() {
    let run = testing::validate::<SecretScan>(&Job::new().command(["curl", &format!("-H{}", key())]), "{}");
    assert_eq!(run.denial().pointer(), Some("/steps/0/command/1"));
}

#[test]
fn a_secret_across_two_pieces_is_found_on_its_line() {
    let secret = format!("ghp_{}", "a1B2".repeat(9));
    for before in (262_144 - 200)..262_144 {
        let text = format!("{}\n {secret}", "\n".repeat(before - 2));
        let told = message(&Job::new().file("f", text), "{}");
        assert_eq!(told.as_deref(), Some(format!("file `f` line {before} holds a GitHub token").as_str()));
    }
    let inside = format!("{}x{secret}", " ".repeat(262_143));
    assert!(!is_found(&inside), "no token begins inside of a word, also at the edge of a piece");
}

#[test]
fn paths_digests_and_rules_can_be_skipped() {
    let job = Job::new().file("testdata/k.pem", key());
    assert_eq!(message(&job, r#"{"skip_paths": ["testdata/**"]}"#), None);
    assert!(message(&job, r#"{"skip_paths": ["*.pem"]}"#).is_some());
    assert_eq!(message(&job, r#"{"skip_rules": ["private-key"]}"#), None);
    let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert!(message(&job, &format!(r#"{{"skip_digests": ["{empty}"]}}"#)).is_some());
    let sparse = Job::new().file("empty", "");
    assert_eq!(message(&sparse, &format!(r#"{{"skip_digests": ["{empty}"], "max_bytes": 0}}"#)), None);
}

#[test]
fn what_is_too_large_to_search_is_denied_or_told() {
    let job = Job::new().file("a", vec![b' '; 600]).file("b", vec![b' '; 600]);
    let run = testing::validate::<SecretScan>(&job, r#"{"max_bytes": 1000}"#);
    assert_eq!((run.denial().code(), run.denial().pointer()), ("file-not-scanned", Some("/files/1")));
    let run = testing::validate::<SecretScan>(&job, r#"{"max_bytes": 1000, "on_unscanned": "warn"}"#);
    assert_eq!(run.allowed().warnings().len(), 1);
}

#[test]
fn a_secret_may_only_be_told() {
    let job = Job::new().file("a", aws()).file("b", key());
    let run = testing::validate::<SecretScan>(&job, r#"{"on_secret": "warn"}"#);
    assert_eq!((run.allowed().warnings().len(), run.allowed().annotations().len()), (2, 2));
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (settings, pointer) in [
        (r#"{"skip_rules": ["aws"]}"#, "/skip_rules/0"),
        (r#"{"skip_digests": ["sha256:00"]}"#, "/skip_digests/0"),
        (r#"{"max_bytes": -1}"#, "/max_bytes"),
        (r#"{"on_secret": "ignore"}"#, "/on_secret"),
        (
            r#"{"skip_rules": ["private-key", "aws-access-key", "github-token", "gitlab-token", "slack-token", "google-api-key",
                "stripe-key", "npm-token", "pypi-token"]}"#,
            "/skip_rules",
        ),
    ] {
        let errors = testing::check::<SecretScan>(settings);
        assert_eq!(errors.first().map(SettingsError::pointer), Some(pointer), "{settings}");
    }
}

#[test]
fn words_of_cases_and_their_checkers_are_searched() {
    let case = |args: &[String], checker: &[String]| Case {
        name: "c".into(),
        args: args.into(),
        checker: checker.into(),
    };
    for (cases, pointer) in [
        (vec![case(&[], &[]), case(&["x".into(), aws()], &[])], "/steps/0/cases/1/args/1"),
        (vec![case(&[], &["check".into(), aws()])], "/steps/0/cases/0/expect/checker/command/1"),
    ] {
        let mut job = Job::new();
        job.steps[0].cases = cases;
        let run = testing::validate::<SecretScan>(&job, "{}");
        assert_eq!((run.denial().code(), run.denial().pointer()), ("secret-found", Some(pointer)));
    }
}
