//! How each case ended, told apart.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, load};

use super::{statuses, tested};

pub(super) fn cases() -> Vec<Case> {
    cases![told_apart, fail_fast, by_a_checker, by_a_broken_checker]
}

fn run(daemon: &Daemon, step: &Value) -> Value {
    daemon.run(&json!({"files": [load()], "steps": [step]}))
}

fn told_apart(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let case = |name: &str, script: &str, stdout: &str, compare: &str, limits: Value| json!({"name": name, "args": [script], "limits": limits, "expect": {"stdout": stdout, "compare": compare}});
    let none = || json!({});
    let all = [
        ("succeeded", case("exact", "printf 'a\\n'", "a\n", "exact", none())),
        ("wrong_output", case("not exact", "printf 'a'", "a\n", "exact", none())),
        ("succeeded", case("trim", "printf 'a  \\r\\n\\n'", "a", "trim", none())),
        ("succeeded", case("tokens", "echo 1; echo 2", "1 2", "tokens", none())),
        ("succeeded", case("float", "echo 0.3333333", "0.33333333333", "float", none())),
        ("wrong_output", case("not float", "echo 0.334", "0.33333333333", "float", none())),
        ("failed", case("code", "echo a; exit 3", "a", "trim", none())),
        ("signaled", case("crash", "exec ./load raise 11", "", "trim", none())),
        ("timed_out", case("slow", "sleep 5", "", "trim", json!({"wall_time_ms": 100}))),
        ("timed_out", case("busy", "exec ./load spin 9000", "", "trim", json!({"cpu_time_ms": 100}))),
        (
            "memory_exceeded",
            case("fat", "exec ./load touch 64", "", "trim", json!({"memory_bytes": 16 << 20})),
        ),
        ("wrong_output", case("flood", "yes | head -c 100000", "y", "tokens", json!({"output_bytes": 1000}))),
        ("succeeded", json!({"name": "nothing", "args": ["exit 0"]})),
    ];
    let cases: Vec<_> = all.iter().map(|(_, case)| case.clone()).collect();
    for parallel in [1, 4] {
        let step = json!({"name": "test", "command": ["sh", "-c"], "cases": cases, "parallel": parallel});
        let job = run(&daemon, &step);
        let step = tested(&job);
        assert_eq!(statuses(step), all.iter().map(|(status, _)| *status).collect::<Vec<_>>(), "{job}");
        // The first in order that did not succeed.
        assert_eq!(
            (&job["status"], &step["status"]),
            (&json!("wrong_output"), &json!("wrong_output")),
            "{job}"
        );
        let cause = &job["cause"];
        assert_eq!((&cause["kind"], &cause["case"]), (&json!("case"), &json!("not exact")), "{job}");
        let details = |i: usize| step["cases"][i]["cause"]["detail"].as_str().unwrap_or_default();
        assert_eq!(details(1), "byte 1, line 1: expected `\\n`, got the end", "{job}");
        assert!(details(11).contains("output_bytes"), "{job}");
        let limits: Vec<_> = (8..11).map(|i| step["cases"][i]["cause"]["limit"].clone()).collect();
        assert_eq!(limits, ["wall_time_ms", "cpu_time_ms", "memory_bytes"], "{job}");
        let sum: u64 =
            (0..all.len()).filter_map(|i| step["cases"][i]["usage"]["wall_time_us"].as_u64()).sum();
        assert_eq!(step["usage"]["wall_time_us"], sum, "{job}");
    }
}

fn fail_fast(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let step = json!({"name": "test", "command": ["sh", "-c"], "fail_fast": true,
        "cases": [{"args": ["exit 0"]}, {"args": ["exit 1"]}, {"args": ["exit 0"]}, {"args": ["exit 0"]}]});
    let job = run(&daemon, &step);
    assert_eq!(statuses(tested(&job)), ["succeeded", "failed", "skipped", "skipped"], "{job}");
    assert_eq!(job["cause"]["detail"], "case `case-1` ended with exit code 1", "{job}");
}

/// Accepts what is the sum of the input, and says so.
const CHECKER: &str = "#!/bin/sh\nread a b < $1; read got < $2; read answer < $3\n\
    test \"$answer\" = sum || exit 3\ntest -e only-of-the-case && exit 4\n\
    test $got = $((a + b)) && echo right && exit 0\necho wrong: $got is not $((a + b)); exit ${got#-}\n";

fn by_a_checker(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let case = |input: &str, answer: &str| json!({"stdin": {"text": input}, "expect": {"stdout": answer, "checker": {"command": ["./check.sh"]}}});
    let job = daemon.run(&json!({
        "files": [{"path": "check.sh", "text": CHECKER, "mode": "0755"}],
        "steps": [{"name": "test", "command": ["sh", "-c", "touch only-of-the-case; rm check.sh; read a b; echo $((a+b - (b==9) * a - (b==8) * (a+7)))"],
            "cases": [case("2 3", "sum"), case("1 8", "sum"), case("1 9", "sum"), case("1 2", "else")]}],
    }));
    let step = tested(&job);
    assert_eq!(statuses(step), ["succeeded", "wrong_output", "failed", "failed"], "{job}");
    let said: Vec<_> = (0..4).map(|i| step["cases"][i]["checker"].clone()).collect();
    assert_eq!(said[..2], [json!("right"), json!("wrong: 1 is not 9")], "{job}");
    for i in 1..4 {
        assert_eq!(step["cases"][i]["cause"]["kind"], "checker", "{job}");
    }
    assert_eq!(step["cases"][1]["cause"]["detail"], "wrong: 1 is not 9", "{job}");
    let failed = step["cases"][3]["cause"]["detail"].as_str().expect("a detail");
    assert!(failed.contains("checker itself failed") && failed.contains("exit code 3"), "{job}");
    // What the case itself did is still told.
    assert_eq!(
        (&step["cases"][2]["exit_code"], &step["cases"][2]["signal"]),
        (&json!(0), &Value::Null),
        "{job}"
    );
}

fn by_a_broken_checker(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for (command, limits, told) in [
        (json!(["no-such-checker"]), json!({}), "not found"),
        (json!(["sh", "-c", "sleep 9", "sh"]), json!({"wall_time_ms": 50}), "wall time"),
        (json!(["sh", "-c", "kill -9 $$", "sh"]), json!({}), "SIGKILL"),
    ] {
        let expect = json!({"checker": {"command": command, "limits": limits}});
        let step = json!({"name": "test", "command": ["true"], "cases": [{"expect": expect}]});
        let job = run(&daemon, &step);
        let case = &tested(&job)["cases"][0];
        assert_eq!((&case["status"], &case["cause"]["kind"]), (&json!("failed"), &json!("checker")), "{job}");
        let detail = case["cause"]["detail"].as_str().expect("a detail");
        assert!(detail.contains("checker itself failed") && detail.contains(told), "{job}");
    }
    // A name that the checker's files need is taken.
    let job = daemon.run(&json!({"files": [{"path": ".stockade", "text": "x"}], "steps": [
        {"name": "test", "command": ["true"], "cases": [{"expect": {"checker": {"command": ["true"]}}}]}]}));
    assert_eq!(tested(&job)["cases"][0]["cause"]["kind"], "checker", "{job}");
}
