use super::*;

/// A file in a folder that goes with the test.
struct Written(PathBuf);

impl Written {
    fn new(text: &str) -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("image-auth-{}-{number}", std::process::id()));
        std::fs::write(&path, text).expect("a temporary file");
        Self(path)
    }

    fn find(&self, registry: &str, repository: &str) -> Credential {
        find_in(&Places::new(Some(self.0.clone())), registry, repository).expect("a good file")
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn user(credential: &Credential) -> &str {
    match credential {
        Credential::Password { user, .. } | Credential::Given { user, .. } => user,
        Credential::None { .. } => "nobody",
        Credential::Refresh { token, .. } | Credential::Bearer { token, .. } => token.reveal(),
        Credential::Helper { name, .. } => name,
    }
}

#[test]
fn each_way_to_write_an_entry_is_understood() {
    // `printf 'me:a:b' | base64`
    let file = Written::new(
        r#"{"auths": {"https://index.docker.io/v1/": {"auth": "aHViOng="}, "localhost:5000": {"auth": "bWU6YTpi"},
            "http://plain.example/v2/": {"username": "plain", "password": "p"}, "quay.io": {"auth": "cXVheTp4"},
            "quay.io/team": {"auth": "dGVhbTp4"}, "quay.io/team/app": {"auth": "YXBwOng="},
            "azure.example": {"auth": "MDA6", "identitytoken": "refresh"}, "bearer.example": {"registrytoken": "token"},
            "bad.example": {"auth": "%%%"}, "empty.example": {}},
            "HttpHeaders": {"User-Agent": "x"}, "detachKeys": "ctrl-e"}"#,
    );
    let expected = [
        ("docker.io", "library/busybox", "hub"),
        ("localhost:5000", "a/b", "me"),
        ("plain.example", "a", "plain"),
        ("quay.io", "other", "quay"),
        ("quay.io", "team/other", "team"),
        ("quay.io", "team/app", "app"),
        ("quay.io", "teamwork", "quay"),
        ("azure.example", "a", "refresh"),
        ("bearer.example", "a", "token"),
        ("bad.example", "a", "nobody"),
        ("empty.example", "a", "nobody"),
        ("localhost", "a", "nobody"),
        ("example.org", "quay.io/team", "nobody"),
    ];
    for (registry, repository, name) in expected {
        assert_eq!(user(&file.find(registry, repository)), name, "{registry}/{repository}");
    }
    let Credential::Password { password, .. } = file.find("localhost:5000", "a") else {
        panic!("a password")
    };
    assert_eq!(password.reveal(), "a:b");
}

#[test]
fn helpers_are_named_and_not_run() {
    let file = Written::new(
        r#"{"auths": {"store.example": {}, "inline.example": {"auth": "bWU6eA=="}}, "credsStore": "desktop",
            "credHelpers": {"aws.example": "ecr-login"}}"#,
    );
    assert_eq!(user(&file.find("aws.example", "a")), "ecr-login");
    assert_eq!(user(&file.find("store.example", "a")), "desktop");
    assert_eq!(user(&file.find("inline.example", "a")), "me");
    assert_eq!(user(&file.find("public.example", "a")), "nobody");
    let hint = file.find("aws.example", "a").hint("aws.example");
    assert!(hint.contains("docker-credential-ecr-login") && hint.contains("registry_auth_file"), "{hint}");
}

#[test]
fn secrets_are_not_shown() {
    let file = Written::new(
        r#"{"auths": {"a.example": {"auth": "bWU6aHVudGVyMg=="}, "b.example": {"identitytoken": "hunter2"}}}"#,
    );
    for registry in ["a.example", "b.example"] {
        let credential = file.find(registry, "a");
        let shown = format!("{credential:?} {}", credential.hint(registry));
        assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), "{shown}");
    }
    let broken = Written::new(r#"{"auths": {"a.example": {"auth": hunter2}}}"#);
    let error = find_in(&Places::new(Some(broken.0.clone())), "a.example", "a").expect_err("it is no JSON");
    let text = format!("{error} {error:?}");
    assert!(text.contains("line 1") && !text.contains("hunter2"), "{text}");
}

#[test]
fn only_a_file_that_was_named_must_be_there() {
    let away = PathBuf::from("/nonexistent/auth.json");
    find_in(&Places { paths: vec![away.clone()], named: true }, "a.example", "a")
        .expect_err("it is not there");
    let found = find_in(&Places { paths: vec![away.clone()], named: false }, "a.example", "a");
    let found = found.expect("then there are no credentials");
    assert_eq!(found, Credential::None { looked: vec![away] });
    assert!(found.hint("a.example").contains("/nonexistent/auth.json"), "{}", found.hint("a.example"));
}
