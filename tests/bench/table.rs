//! Everything that is printed.

use std::time::Duration;

use crate::Score;

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
pub(crate) fn line(text: &str) {
    println!("{text}");
}

pub(crate) fn machine() {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    line(&format!("{cpus} CPUs, kernel {}, load before {}", kernel.trim(), load.trim()));
}

/// Latencies in milliseconds; the ratio is of medians, and how many times as long as the first line's.
pub(crate) fn print(clients: usize, scores: &[Score]) {
    line(&format!("\n{clients} client{}", if clients == 1 { "" } else { "s" }));
    line(&format!(
        "{:<26}{:>7}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "", "runs", "p50", "p90", "p99", "jobs/s", "ratio"
    ));
    let Some(ours) = scores.first().and_then(|score| percentile(&score.latencies, 50)) else { return };
    for score in scores {
        let at = |percent| percentile(&score.latencies, percent).map_or(f64::NAN, millis);
        let runs = u32::try_from(score.latencies.len()).unwrap_or(u32::MAX);
        let rate = f64::from(runs) / score.elapsed.as_secs_f64();
        line(&format!(
            "{:<26}{runs:>7}{:>9.2}{:>9.2}{:>9.2}{rate:>9.0}{:>9.1}",
            score.name,
            at(50),
            at(90),
            at(99),
            at(50) / millis(ours)
        ));
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied()
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
