//! The verbs other than `run`, and what a mistyped command line gets.

use std::process::Command;

use support::{Case, Daemon, Who, cases, run, stockade};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        help,
        version,
        unknown_flags_and_verbs,
        completion,
        bad_settings,
        an_address_in_use,
        settings_from_everywhere,
        a_narrow_umask,
        config_shows_where_values_are_from
    ]
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
