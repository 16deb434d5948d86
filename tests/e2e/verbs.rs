//! The verbs other than `run`, and what a mistyped command line gets.

use std::process::Command;

use support::{Case, Daemon, Who, cases, figure, run, stockade};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        help,
        version,
        unknown_flags_and_verbs,
        completion,
        doctor_without_cgroups,
        print_setup,
        bad_settings,
        an_address_in_use,
        settings_from_everywhere,
        a_narrow_umask,
        config_shows_where_values_are_from
    ];
    all.extend(cases![doctor].into_iter().map(|case| case.only(&Who::ALL)));
    all
}

fn help(who: Who) {
    let ran = run(who, &["--help"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for verb in ["run", "serve", "doctor", "completion"] {
        assert!(ran.text().contains(verb), "{verb}: {}", ran.text());
        let own = run(who, &[verb, "--help"]);
        assert!(own.code == 0 && own.text().contains("Usage: stockade"), "{own:?}");
        assert!(own.stderr.is_empty(), "help that was asked for is data: {own:?}");
    }
    let bare = run(who, &[]);
    assert!(bare.code == 2 && bare.stderr.contains("Usage:"), "{bare:?}");
}

fn version(who: Who) {
    let ran = run(who, &["--version"]);
    assert_eq!((ran.code, ran.text()), (0, format!("stockade {}\n", env!("CARGO_PKG_VERSION"))));
}

fn unknown_flags_and_verbs(who: Who) {
    let mistakes: [(&[&str], i32, &str); 6] = [
        (&["--nonsense"], 2, "--nonsense"),
        (&["runn"], 2, "runn"),
        (&["serve", "--listne", "x"], 2, "--listen"),
        (&["doctor", "extra"], 2, "extra"),
        (&["run"], 125, "CMD"),
        (&["completion", "cmd.exe"], 2, "bash"),
    ];
    for (arguments, code, word) in mistakes {
        let ran = run(who, arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(word), "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
}

fn completion(who: Who) {
    for shell in ["bash", "zsh", "fish"] {
        let ran = run(who, &["completion", shell]);
        assert!(ran.code == 0 && ran.text().contains("memory"), "{shell}: {}", ran.stderr);
    }
    let script = run(who, &["completion", "bash"]).text();
    let checked = Command::new("bash").arg("-nc").arg(&script).output();
    assert!(checked.is_err() || checked.is_ok_and(|checked| checked.status.success()), "not a bash script");
}

fn doctor(who: Who) {
    let ran = run(who, &["doctor", "--json"]);
    let checks = ran.json();
    let checks = checks.as_array().expect("a list of checks");
    let failed: Vec<_> = checks.iter().filter(|check| check["status"] == "FAIL").collect();
    assert_eq!(ran.code, i32::from(!failed.is_empty()), "{failed:?}");
    // Jobs run here, so nothing can be so wrong.
    assert!(failed.is_empty(), "{failed:?}");
    for check in checks {
        assert!(matches!(check["status"].as_str(), Some("PASS" | "CAUTION" | "FAIL")), "{check}");
        assert!(check["check"].is_string() && check["detail"].is_string(), "{check}");
        assert!(check["status"] == "PASS" || check["remedy"].is_string(), "a remedy for {check}");
    }
    let text = run(who, &["doctor"]);
    assert_eq!(text.code, 0, "{text:?}");
    assert!(
        text.text().contains("PASS") && !text.text().contains('\u{1b}'),
        "no colours in a pipe: {}",
        text.text()
    );
    figure(format!("{}: {}", who.name(), text.text().lines().last().unwrap_or_default()));
}

/// A user to whom nothing was delegated: `doctor` fails and says what mends it, `run` refuses, and with the operator's
/// word the job runs and the receipt tells what was missing.
fn doctor_without_cgroups(who: Who) {
    if who == Who::Root || !nix::unistd::geteuid().is_root() {
        // Root can always make its own, and the suite as a user cannot become somebody else: see the case for `user`.
        assert_eq!(run(who, &["doctor"]).code, 0);
        return;
    }
    let bare = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=61235", "--regid=61235", "--clear-groups", "--"])
            .arg(stockade())
            .args(arguments);
        let output = command.current_dir("/").output().expect("setpriv runs");
        let texts = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        (output.status.code(), texts.0, texts.1)
    };
    let (code, text, _) = bare(&["doctor"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("FAIL") && text.contains("print-setup"), "{text}");
    let (code, _, error) = bare(&["run", "true"]);
    assert_eq!(code, Some(125), "{error}");
    assert!(error.starts_with("error: ") && error.contains("hint: "), "{error}");
    let (code, text, error) = bare(&["run", "--json", "--allow-degraded", "cgroup", "true"]);
    assert_eq!(code, Some(0), "{text}{error}");
    let job: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(job["isolation"]["degraded"], serde_json::json!(["cgroup"]), "{job}");
    assert_eq!(job["isolation"]["cgroup"]["version"], "none", "{job}");
    let (code, _, error) = bare(&["run", "--allow-degraded", "cgroup", "--require", "cgroup.memory", "true"]);
    assert_eq!(code, Some(125), "{error}");
}

/// That its commands work is what every other case of `user` shows: they are how it got its cgroups.
fn print_setup(who: Who) {
    let ran = run(who, &["doctor", "--print-setup"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.text().starts_with('#') && ran.text().contains(&format!("user-{}", who.uid())),
        "{}",
        ran.text()
    );
}

fn bad_settings(who: Who) {
    let temp = support::Temp::new();
    let settings = [
        ("listen = 5\n", "listen"),
        ("\n\nunknown = 1\n", ":3:"),
        ("[limits.default]\nmemory_bytes = 200\n", "limits.default.memory_bytes"),
        ("max_running = 0\n", "max_running"),
        ("allow_degraded = [\"seccomp\"]\n", "allow_degraded"),
        ("host_paths = [\"/tmp/../etc\"]\n", "host_paths"),
        ("[seccomp_profiles]\nmine = \"none.json\"\n", "mine"),
    ];
    for (text, word) in settings {
        let file = temp.file("bad.toml", text);
        let file = file.to_str().expect("text");
        let ran = run(who, &["serve", "--config", file, "--listen", "127.0.0.1:0"]);
        let clash = text.starts_with("listen");
        assert_eq!(ran.code, 2, "{text}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && (clash || ran.stderr.contains(word)), "{text}: {ran:?}");
        assert_eq!(run(who, &["run", "--config", file, "true"]).code, 125, "{text}");
    }
    assert_eq!(run(who, &["serve", "--config", "/no/such/file"]).code, 2);
}

fn an_address_in_use(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let ran = run(who, &["serve", "--listen", &daemon.address.to_string()]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("--listen"), "{ran:?}");
}

/// File, then environment, then flags: later ones win.
fn settings_from_everywhere(who: Who) {
    let temp = support::Temp::new();
    let file = temp.file("s.toml", "[limits.default]\npids = 11\nopen_files = 111\n");
    let script = "ulimit -n";
    let mut command = who.command(stockade());
    command.args(["run", "--json", "--config"]).arg(&file).args([
        "--ulimit",
        "nofile=99",
        "sh",
        "-c",
        script,
    ]);
    let output = command.env("STOCKADE_LIMITS_DEFAULT_OPEN_FILES", "77").output().expect("run starts");
    let job: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(job["steps"][0]["stdout"]["text"], "99\n", "the flag wins: {job}");
    let mut command = who.command(stockade());
    command.args(["run", "--config"]).arg(&file).args(["sh", "-c", script]);
    let output = command.env("STOCKADE_LIMITS_DEFAULT_OPEN_FILES", "77").output().expect("run starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "77\n", "the environment wins over the file");
    let mut command = who.command(stockade());
    let output =
        command.args(["run", "--config"]).arg(&file).args(["sh", "-c", script]).output().expect("run starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "111\n", "the file wins over what is built in");
}

/// What the launcher makes is for other ids too, and a job's own umask is the usual one.
fn a_narrow_umask(who: Who) {
    let mut command = who.command("sh");
    command.args(["-c", "umask 077; exec \"$0\" run -- sh -c umask"]).arg(stockade());
    let output = command.output().expect("sh runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"0022\n"[..]), "{error}");
}

/// Each by the source that gave it; and what `serve` would refuse is refused.
fn config_shows_where_values_are_from(who: Who) {
    let temp = support::Temp::new();
    let file = temp.file("s.toml", "max_queued = 7\n\n[limits.cap]\npids = 11\n");
    let file = file.to_str().expect("text");
    let mut command = who.command(stockade());
    command.args(["config", "show", "--origin", "--config", file, "--listen", "127.0.0.1:7171"]);
    let output = command.env("STOCKADE_MAX_RUNNING", "3").output().expect("it starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let place = |line: u32| format!("{file}:{line}");
    for (setting, origin) in [
        ("listen = [\"127.0.0.1:7171\"]", "flag".into()),
        ("max_running = 3", "environment STOCKADE_MAX_RUNNING".into()),
        ("max_queued = 7", place(1)),
        ("limits.cap.pids = 11", place(4)),
        ("limits.default.pids = 11", "default".into()),
        ("durability = \"process\"", "default".to_owned()),
    ] {
        let line = text.lines().find(|line| line.starts_with(&format!("{setting} ")));
        assert!(line.is_some_and(|line| line.ends_with(&format!("  # {origin}"))), "{setting}: {text}");
    }
    let all = run(who, &["config", "show", "--json"]).json();
    let listen = all.as_array().and_then(|all| all.iter().find(|row| row["key"] == "listen"));
    assert_eq!(listen.map(|row| &row["origin"]), Some(&"default".into()), "{all}");
    let unknown = temp.file("unknown.toml", "lissten = 'x'\n");
    let refused = run(who, &["config", "show", "--config", unknown.to_str().expect("text")]);
    assert!(refused.code == 2 && refused.stderr.contains("unknown.toml:1: unknown field"), "{refused:?}");
    let schema = run(who, &["config", "schema"]).json();
    assert_eq!(schema["additionalProperties"], false, "{schema}");
    assert!(schema["properties"]["listen"]["description"].is_string(), "{schema}");
}
