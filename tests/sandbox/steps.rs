//! Several programs one after another in one sandbox.

use serde_json::{Value, json};
use support::{Case, Daemon, Needs, Who, cases};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = cases![
        shell_pipeline,
        stop_at_the_first_failure,
        share_files_and_no_processes,
        have_settings_of_their_own,
    ];
    let everyone = |case: Case| case.only(&Who::ALL);
    all.extend(cases![c_on_three_inputs].into_iter().map(|case| everyone(case).needs(Needs::Program("gcc"))));
    all.extend(cases![python].into_iter().map(|case| case.needs(Needs::Host(no_python))));
    all
}

/// In the sandbox only the host's own folders are seen, so a Python elsewhere does not count.
fn no_python() -> Option<&'static str> {
    (!std::path::Path::new("/usr/bin/python3").exists()).then_some("there is no /usr/bin/python3")
}

const SQUARES: &str = r#"
#include <stdio.h>
int main(void) { long n, sum = 0; while (scanf("%ld", &n) == 1) sum += n * n; printf("%ld\n", sum); return 0; }
"#;

fn c_on_three_inputs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let test =
        |name: &str, input: &str| json!({"name": name, "command": ["./main"], "stdin": {"text": input}});
    let job = daemon.run(&json!({
        "files": [{"path": "main.c", "text": SQUARES}],
        "env": {"PATH": "/usr/bin:/bin"},
        "steps": [
            {"name": "build", "command": ["gcc", "-O2", "-Wall", "-o", "main", "main.c"]},
            test("none", ""), test("small", "3 4\n"), test("large", &"10\n".repeat(100_000)),
        ]
    }));
    assert_eq!(job["status"], "succeeded", "{job}");
    let outputs: Vec<_> = steps(&job).iter().map(|step| (&step["name"], &step["stdout"]["text"])).collect();
    let expected = [("build", ""), ("none", "0\n"), ("small", "25\n"), ("large", "10000000\n")];
    let expected = expected.map(|(name, text)| (json!(name), json!(text)));
    assert_eq!(outputs, expected.iter().map(|(name, text)| (name, text)).collect::<Vec<_>>());
}

fn python(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let program =
        "import sys, json, hashlib\nprint(json.dumps(sorted(sys.stdin.read().split())))\nsys.exit(4)\n";
    let job = daemon.run(&json!({"files": [{"path": "main.py", "text": program}],
        "command": ["/usr/bin/python3", "main.py"], "stdin": {"text": "c a b"}}));
    let step = &job["steps"][0];
    assert_eq!((&step["status"], &step["exit_code"]), (&json!("failed"), &json!(4)), "{job}");
    assert_eq!(step["stdout"]["text"], "[\"a\", \"b\", \"c\"]\n");
}

fn shell_pipeline(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = "seq 1 1000 | grep 7 | sort -rn | tee all | head -n 3; wc -l < all >&2";
    let job = daemon.run(&json!({"command": ["sh", "-c", script]}));
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(job["steps"][0]["stdout"]["text"], "997\n987\n979\n");
    assert_eq!(job["steps"][0]["stderr"]["text"], "271\n");
}

fn stop_at_the_first_failure(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = daemon.run(&json!({"steps": [
        {"name": "good", "command": ["echo", "one"]},
        {"name": "bad", "command": ["sh", "-c", "echo two; exit 9"]},
        {"name": "never", "command": ["echo", "three"]},
        {"command": ["echo", "four"]},
    ]}));
    assert_eq!(job["status"], "failed", "{job}");
    assert_eq!((&job["cause"]["kind"], &job["cause"]["step"]), (&json!("step"), &json!("bad")), "{job}");
    let statuses: Vec<_> =
        steps(&job).iter().map(|step| step["status"].as_str().unwrap_or_default()).collect();
    assert_eq!(statuses, ["succeeded", "failed", "skipped", "skipped"]);
    assert_eq!(steps(&job)[3]["name"], "step-3");
    for skipped in &steps(&job)[2..] {
        assert_eq!(
            (&skipped["exit_code"], &skipped["stdout"]["bytes"]),
            (&Value::Null, &json!(0)),
            "{skipped}"
        );
    }
}

fn share_files_and_no_processes(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let count = "ls /proc | grep -c '^[0-9]'";
    let job = daemon.run(&json!({"steps": [
        {"command": ["sh", "-c", "echo kept > /workspace/a; echo kept > /tmp/b; sleep 1000 & setsid sleep 1000 & echo"]},
        {"command": ["sh", "-c", format!("cat /workspace/a /tmp/b; {count}")]},
    ]}));
    assert_eq!(job["status"], "succeeded", "{job}");
    // Init, the shell, ls and grep at most, and none of the first step's.
    let text = job["steps"][1]["stdout"]["text"].as_str().expect("text");
    let seen: u32 = text.lines().nth(2).and_then(|line| line.parse().ok()).expect("a count");
    assert!(text.starts_with("kept\nkept\n") && seen <= 4, "{text}");
}

fn have_settings_of_their_own(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let show = json!(["sh", "-c", "echo $A $B; pwd; ulimit -n"]);
    let job = daemon.run(&json!({
        "env": {"A": "job", "B": "job"}, "workdir": "/tmp", "limits": {"open_files": 100},
        "steps": [
            {"command": show},
            {"command": show, "env": {"B": "step"}, "workdir": "/", "limits": {"open_files": 50}},
            {"command": ["sleep", "5"], "limits": {"wall_time_ms": 50}},
        ]
    }));
    assert_eq!(job["steps"][0]["stdout"]["text"], "job job\n/tmp\n100\n", "{job}");
    assert_eq!(job["steps"][1]["stdout"]["text"], "job step\n/\n50\n", "{job}");
    assert_eq!(job["steps"][2]["status"], "timed_out", "{job}");
}

fn steps(job: &Value) -> &Vec<Value> {
    job["steps"].as_array().expect("a job has steps")
}
