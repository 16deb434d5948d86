//! The figures in a result are right. The machine may be busy, so where time is measured the best of a few runs counts:
//! noise only ever adds.

use std::time::Instant;

use serde_json::json;
use support::{Case, Daemon, Who, cases, figure, load};

pub(crate) fn cases() -> Vec<Case> {
    cases![memory_peak, cpu_time, wall_kill].into_iter().map(Case::alone).collect()
}

fn memory_peak(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for mebibytes in [8_u64, 64, 200] {
        let touched = mebibytes << 20;
        let command = ["./load".to_owned(), "touch".into(), mebibytes.to_string()];
        let job = daemon.run(&json!({"files": [load()], "command": command}));
        assert_eq!(job["status"], "succeeded", "{job}");
        let peak = job["steps"][0]["usage"]["memory_peak_bytes"].as_u64().expect("counted");
        figure(format!(
            "{}: touched {touched}, peak {peak} ({:+})",
            who.name(),
            peak.cast_signed() - touched.cast_signed()
        ));
        assert!(peak.abs_diff(touched) <= touched / 20 + (1 << 20), "touched {touched}, peak {peak}");
    }
}

fn cpu_time(who: Who) {
    let daemon = Daemon::start(who, &[]);
    for milliseconds in [50, 300] {
        let command = ["./load".to_owned(), "spin".into(), milliseconds.to_string()];
        let request = json!({"files": [load()], "command": command});
        let differences: Vec<(u64, u64)> = (0..3)
            .map(|_| {
                let job = daemon.run(&request);
                let step = &job["steps"][0];
                let own: u64 = step["stdout"]["text"]
                    .as_str()
                    .and_then(|text| text.trim().parse().ok())
                    .expect("a figure");
                let ours = step["usage"]["cpu_time_us"].as_u64().expect("counted");
                let (user, system) = (step["usage"]["user_us"].as_u64(), step["usage"]["system_us"].as_u64());
                let parts = user.expect("counted") + system.expect("counted");
                (ours.abs_diff(own), parts.abs_diff(ours))
            })
            .collect();
        let best = differences.iter().map(|(own, _)| *own).min().expect("three runs");
        // v1 counts the parts in ticks: whoever ran when the clock looked has all of one.
        let parts = differences.iter().map(|(_, parts)| *parts).min().expect("three runs");
        assert!(parts <= 20_000, "user and system: {differences:?}");
        figure(format!("{}: CPU time of {milliseconds} ms is off by {best} us", who.name()));
        assert!(best <= 10_000, "off by {best} us");
    }
}

fn wall_kill(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    let request = json!({"command": ["sleep", "10"], "limits": {"wall_time_ms": 200}});
    let (mut late, mut answered) = (u64::MAX, u128::MAX);
    for _ in 0..5 {
        let start = Instant::now();
        let job = client.post("/jobs?wait=true", &request).json();
        answered = answered.min(start.elapsed().as_micros() - 200_000);
        assert_eq!(job["status"], "timed_out", "{job}");
        let wall = job["steps"][0]["usage"]["wall_time_us"].as_u64().expect("measured");
        assert!(wall >= 200_000, "killed before its time: {job}");
        late = late.min(wall - 200_000);
    }
    figure(format!(
        "{}: wall limit killed {late} us late, answered {answered} us after the limit",
        who.name()
    ));
    assert!(late <= 20_000, "killed {late} us late");
}
