//! `stockade run` is as good as the program itself: bytes, signals, exit codes.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use support::{Case, Temp, Who, cases, eventually, figure, job, run, run_fed, run_json, stockade};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        exit_codes,
        limits_are_explained,
        bytes_pass_unchanged,
        a_reader_that_leaves,
        signals_are_forwarded,
        a_third_interrupt_kills,
        dry_run_prints_the_plan,
        dockers_letters,
        files_keep_their_mode,
        json_is_the_finished_job,
        refusals_name_the_option,
    ];
    all.extend(cases![runs_for_everyone].into_iter().map(|case| case.only(&Who::ALL)));
    all
}

fn runs_for_everyone(who: Who) {
    assert_eq!(job(who, &["id", "-u"]), "1000\n");
}

fn exit_codes(who: Who) {
    let ends: [(&[&str], i32); 8] = [
        (&["true"], 0),
        (&["false"], 1),
        (&["sh", "-c", "exit 42"], 42),
        (&["sh", "-c", "kill -SEGV $$"], 139),
        (&["sh", "-c", "kill -TERM $$"], 143),
        (&["/etc/passwd"], 126),
        (&["no-such-program"], 127),
        (&["--profile", "no-such-profile", "true"], 125),
    ];
    for (command, code) in ends {
        let ran = run(who, &[&["run"], command].concat());
        assert_eq!(ran.code, code, "{command:?}: {ran:?}");
        assert!(code != 127 || ran.stderr.contains("no-such-program"), "{ran:?}");
    }
}

fn limits_are_explained(who: Who) {
    let limits: [(&[&str], &str); 4] = [
        (&["--wall", "200ms", "sleep", "9"], "wall time"),
        (&["--cpu-time", "200ms", "sh", "-c", "while :; do :; done"], "CPU time"),
        (&["-m", "16m", "tail", "/dev/zero"], "memory"),
        (&["--ulimit", "fsize=1m", "sh", "-c", "exec head -c 2m /dev/zero > /tmp/x"], "file"),
    ];
    for (arguments, word) in limits {
        let ran = run(who, &[&["run"], arguments].concat());
        assert!(ran.code > 128, "{arguments:?}: {ran:?}");
        assert!(
            ran.stderr.contains("stockade: killed: ") && ran.stderr.contains(word),
            "{arguments:?}: {ran:?}"
        );
    }
}

fn bytes_pass_unchanged(who: Who) {
    let mut value = 1_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        value = value.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        value.to_be_bytes()[0]
    })
    .take(10 << 20)
    .collect();
    let ran = run_fed(who, &["run", "cat"], &bytes);
    assert_eq!((ran.code, ran.stdout.len()), (0, bytes.len()), "{}", ran.stderr);
    assert!(ran.stdout == bytes, "10 MiB through cat came back changed");
    figure(format!("{}: 10 MiB through cat in {} ms", who.name(), ran.took.as_millis()));
    let ran = run_fed(who, &["run", "sh", "-c", "cat >&2; echo out"], b"\0\xff\n");
    assert_eq!((ran.text().as_str(), ran.stderr.as_str()), ("out\n", "\0\u{fffd}\n"));
}

fn a_reader_that_leaves(who: Who) {
    let mut command = who.command(stockade());
    command.args(["run", "--wall", "20s", "sh", "-c", "while echo y; do :; done; exit 0"]);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
    let mut head = [0; 4];
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_exact(&mut head).expect("output comes as it is made");
    assert_eq!(&head, b"y\ny\n");
    drop(stdout);
    // Whether the job ends by its limit or by SIGPIPE, `run` does not hang.
    eventually(Duration::from_secs(30), "run ends", || child.try_wait().expect("an own child"));
}

fn started(who: Who, script: &str) -> (std::process::Child, BufReader<std::process::ChildStdout>) {
    // Also where the suite itself was started under nohup, which `run` would respect.
    let mut command = who.command("env");
    command
        .arg("--default-signal=HUP")
        .arg(stockade())
        .args(["run", "sh", "-c", script])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("run starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    lines.read_line(&mut line).expect("a line");
    assert_eq!(line, "ready\n");
    (child, lines)
}

fn signals_are_forwarded(who: Who) {
    let signals = [
        (Signal::SIGTERM, "TERM"),
        (Signal::SIGINT, "INT"),
        (Signal::SIGHUP, "HUP"),
        (Signal::SIGUSR1, "USR1"),
    ];
    for (signal, name) in signals {
        let script = format!("trap 'echo got; exit 5' {name}; echo ready; while :; do sleep 0.02; done");
        let (mut child, mut lines) = started(who, &script);
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("an own child");
        let status =
            eventually(Duration::from_secs(10), "run ends", || child.try_wait().expect("an own child"));
        let mut rest = String::new();
        lines.read_to_string(&mut rest).expect("text");
        assert_eq!((status.code(), rest.as_str()), (Some(5), "got\n"), "{name}");
    }
}

fn a_third_interrupt_kills(who: Who) {
    let (mut child, _lines) =
        started(who, "trap 'echo no' INT TERM; echo ready; while :; do sleep 0.02; done");
    let status = eventually(Duration::from_secs(10), "run ends", || {
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).ok();
        child.try_wait().expect("an own child")
    });
    assert_eq!(status.code(), Some(137), "{status}");
}

fn dry_run_prints_the_plan(who: Who) {
    let ran = run(who, &["run", "--dry-run", "-m", "64m", "-e", "A=1", "sh", "-c", "echo ran >&2"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let plan = ran.json();
    assert_eq!(plan["steps"][0]["command"], json!(["sh", "-c", "echo ran >&2"]), "{plan}");
    assert_eq!(plan["steps"][0]["cgroup"]["memory_bytes"], 64 << 20, "{plan}");
    assert!(plan["steps"][0]["env"].as_array().is_some_and(|env| env.contains(&json!("A=1"))), "{plan}");
    assert!(plan["namespaces"].is_array() && plan["seccomp"].is_array(), "{plan}");
    assert!(!ran.stderr.contains("ran"), "it ran: {ran:?}");
}

fn dockers_letters(who: Who) {
    let script = "echo $K-$FROM_HERE; pwd; id -u; ulimit -n; ulimit -s";
    let mut command = who.command(stockade());
    command.args(["run", "-i", "-e", "K=v=w", "-e", "FROM_HERE", "-e", "NOT_SET", "-w", "/tmp", "-u", "12"]);
    command.args([
        "-m",
        "64m",
        "--cpus",
        "0.5",
        "--pids-limit",
        "9",
        "--ulimit",
        "nofile=50",
        "--ulimit",
        "stack=1m",
    ]);
    command.args(["--", "sh", "-c", script]).env("FROM_HERE", "here").stdin(Stdio::null());
    let output = command.output().expect("run starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text, "v=w-here\n/tmp\n12\n50\n1024\n", "{}", String::from_utf8_lossy(&output.stderr));
    let plan = run(who, &["run", "--dry-run", "-m", "64m", "--cpus", "0.5", "--pids", "9", "true"]).json();
    let group = &plan["steps"][0]["cgroup"];
    assert_eq!(
        (&group["memory_bytes"], &group["cpus"], &group["pids"]),
        (&json!(64 << 20), &json!(0.5), &json!(9))
    );
    // Everything after the command is the command's.
    assert_eq!(job(who, &["echo", "-m", "--json", "--", "-x"]), "-m --json -- -x\n");
}

fn files_keep_their_mode(who: Who) {
    let temp = Temp::new();
    let path = temp.file("tool.sh", "#!/bin/sh\necho tool\n");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("an own file");
    let path = path.to_str().expect("text");
    assert_eq!(job(who, &["--file", path, "./tool.sh"]), "tool\n");
    let renamed = format!("{path}:bin/other");
    assert_eq!(job(who, &["--file", &renamed, "stat", "-c", "%a %n", "bin/other"]), "755 bin/other\n");
    let missing = run(who, &["run", "--file", "/no/such/file", "true"]);
    assert_eq!(missing.code, 125, "{missing:?}");
}

fn json_is_the_finished_job(who: Who) {
    let ran = run_fed(who, &["run", "--json", "sh", "-c", "cat; exit 3"], b"\xffin");
    let job = ran.json();
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!((&job["status"], &job["steps"][0]["exit_code"]), (&json!("failed"), &json!(3)), "{job}");
    assert_eq!(job["steps"][0]["stdout"]["encoding"], "base64", "{job}");
    assert_eq!(job["steps"][0]["stdout"]["text"], "/2lu", "{job}");
    assert_eq!(job["isolation"]["no_new_privs"], true, "{job}");
    assert_eq!(run_json(who, &["true"])["status"], "succeeded");
}

fn refusals_name_the_option(who: Who) {
    let refusals: [(&[&str], &str); 7] = [
        (&["-m", "999999g", "true"], "--memory"),
        (&["--wall", "10", "true"], "--wall"),
        (&["-u", "root", "true"], "--user"),
        (&["-w", "relative", "true"], "--workdir"),
        (&["--require", "gpu", "true"], "gpu"),
        (&["--no-such-option", "true"], "--no-such-option"),
        (&["-t", "true"], "-t"),
    ];
    for (arguments, word) in refusals {
        let ran = run(who, &[&["run"], arguments].concat());
        assert_eq!(ran.code, 125, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains(word), "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "data only on stdout: {ran:?}");
    }
}
