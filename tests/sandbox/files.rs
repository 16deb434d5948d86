//! What a job is given: files, environment, user, and what of the host it sees.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

pub(crate) fn cases() -> Vec<Case> {
    let mut all =
        cases![modes_and_folders, bytes_are_exact, environment_is_exactly_what_was_given, working_directory];
    all.extend(cases![users].into_iter().map(|case| case.only(&Who::ALL)));
    all.extend(cases![host_paths_are_shown_read_only]);
    all
}

/// Variables that a job has without asking.
const DEFAULT_ENVIRONMENT: [&str; 3] =
    ["HOME=/tmp", "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

fn output(daemon: &Daemon, request: &Value) -> String {
    let job = daemon.run(request);
    assert_eq!(job["status"], "succeeded", "{job}");
    job["steps"][0]["stdout"]["text"].as_str().expect("text").to_owned()
}

fn modes_and_folders(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let file = |path: &str, mode: Option<&str>| json!({"path": path, "text": path, "mode": mode});
    let names = ["plain", "run.sh", "a/b/c/deep", "a/secret", "name with blank", "-dash", "ü/ß"];
    let modes = [None, Some("0755"), Some("0600"), Some("400"), Some("0000"), Some("777"), Some("0644")];
    let files: Vec<_> = names.iter().zip(modes).map(|(name, mode)| file(name, mode)).collect();
    let script = "for f in plain run.sh a/b/c/deep a/secret 'name with blank' ./-dash ü/ß; do stat -c '%a %u %g %n' \"$f\"; done; \
                  cat a/b/c/deep; stat -c '%F %a' a a/b ü";
    let text = output(&daemon, &json!({"files": files, "command": ["sh", "-c", script]}));
    let expected = "644 1000 1000 plain\n755 1000 1000 run.sh\n600 1000 1000 a/b/c/deep\n400 1000 1000 a/secret\n\
                    0 1000 1000 name with blank\n777 1000 1000 ./-dash\n644 1000 1000 ü/ß\n\
                    a/b/c/deepdirectory 755\ndirectory 755\ndirectory 755\n";
    assert_eq!(text, expected);
}

fn bytes_are_exact(who: Who) {
    let daemon = Daemon::start(who, &[]);
    // Every byte, several times over, and no round length.
    let bytes: Vec<u8> = (0..=255_u8).cycle().take(1_000_003).collect();
    let sum = support::archive::sha256(&bytes);
    let text = output(
        &daemon,
        &json!({
            "files": [{"path": "data", "base64": STANDARD.encode(&bytes)}, {"path": "empty", "text": ""}],
            "command": ["sh", "-c", "sha256sum < data; wc -c < empty"],
        }),
    );
    assert_eq!(text, format!("{sum}  -\n0\n"));
}

fn environment_is_exactly_what_was_given(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let seen = |request: Value| {
        let text = output(&daemon, &request);
        let mut seen: Vec<_> = text.split_terminator('\0').map(String::from).collect();
        seen.sort_unstable();
        seen
    };
    assert_eq!(seen(json!({"command": ["/usr/bin/env", "-0"]})), DEFAULT_ENVIRONMENT);
    let given = json!({"A": "1", "EMPTY": "", "LINES": "a\nb", "LANG": "de"});
    let mut expected = vec!["A=1", "EMPTY=", "LINES=a\nb", "LANG=de"];
    expected.extend(DEFAULT_ENVIRONMENT.iter().filter(|default| !default.starts_with("LANG=")));
    expected.sort_unstable();
    assert_eq!(seen(json!({"command": ["/usr/bin/env", "-0"], "env": given})), expected);
}

fn working_directory(who: Who) {
    let daemon = Daemon::start(who, &[]);
    assert_eq!(output(&daemon, &json!({"command": ["pwd"]})), "/workspace\n");
    assert_eq!(output(&daemon, &json!({"command": ["pwd"], "workdir": "/tmp"})), "/tmp\n");
    let files = json!([{"path": "sub/x", "text": ""}]);
    assert_eq!(
        output(&daemon, &json!({"command": ["ls"], "workdir": "/workspace/sub", "files": files})),
        "x\n"
    );
}

fn users(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for user in ["0", "1", "1000", "65533"] {
        let script = "id -u; id -g; echo x > /workspace/own; stat -c %u /workspace /tmp/. own; id -G";
        let text = output(&daemon, &json!({"command": ["sh", "-c", script], "user": user}));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines[0], lines[1], lines[4]), (user, user, user), "{text}");
        // No group of the host came along; the kernel shows those it cannot name as 65534.
        assert!(lines[5].split(' ').all(|group| group == user || who.shares_one_id()), "{text}");
        let job = daemon.run(&json!({"command": ["true"], "user": user}));
        assert_ne!(job["isolation"]["id_map"]["host_uid"], 0, "{job}");
        assert_eq!(job["isolation"]["id_map"]["inside_uid"].to_string(), user, "{job}");
    }
}

fn host_paths_are_shown_read_only(who: Who) {
    let shown = support::Temp::below(std::path::Path::new("/var/tmp"));
    shown.file("tool", "from the host");
    let path = shown.path().to_str().expect("a temporary path is text");
    let script = format!("cat {path}/tool; touch {path}/new 2>/dev/null || echo ' refused'");
    let with = Daemon::start(who, &["--host-path", path]);
    assert_eq!(output(&with, &json!({"command": ["sh", "-c", script]})), "from the host refused\n");
    let without = Daemon::start(who, &[]);
    let job = without.run(&json!({"command": ["cat", format!("{path}/tool")]}));
    assert_eq!(job["status"], "failed", "not shown unless the operator says so: {job}");
    assert!(!shown.path().join("new").exists());
}
