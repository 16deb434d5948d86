//! Figures of the host, and of the start: read when they are asked for.

use std::fs;

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// Pressure stall information, where the kernel has it: <https://docs.kernel.org/accounting/psi.html>.
const PRESSURE: &str = "/proc/pressure";
const RESOURCES: [&str; 3] = ["cpu", "memory", "io"];

pub(super) fn register(meter: &Meter, (removed, left): (u64, u64)) {
    meter
        .f64_observable_counter("stockade.host.pressure")
        .with_unit("s")
        .with_description("Time in which some, or all, of the host's tasks waited for a resource")
        .with_callback(|seen| {
            for resource in RESOURCES {
                let Ok(text) = fs::read_to_string(format!("{PRESSURE}/{resource}")) else { continue };
                for (share, waited) in stalled(&text) {
                    seen.observe(
                        waited,
                        &[
                            KeyValue::new("stockade.resource", resource),
                            KeyValue::new("stockade.share", share),
                        ],
                    );
                }
            }
        })
        .build();
    meter
        .u64_observable_counter("stockade.leftovers")
        .with_description("Trees of cgroups that dead servers had left, found at the start")
        .with_callback(move |seen| {
            for (end, trees) in [("removed", removed), ("kept", left)] {
                seen.observe(trees, &[KeyValue::new("stockade.end", end)]);
            }
        })
        .build();
}

/// `some` and `full`, in seconds.
#[expect(clippy::cast_precision_loss, reason = "microseconds of centuries")]
fn stalled(text: &str) -> Vec<(&'static str, f64)> {
    let of = |line: &str| {
        let share = ["some", "full"].into_iter().find(|share| line.starts_with(share))?;
        let total: u64 = line.rsplit_once("total=")?.1.trim().parse().ok()?;
        Some((share, total as f64 / 1e6))
    };
    text.lines().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pressure_is_read_as_the_kernel_writes_it() {
        let text = "some avg10=1.53 avg60=0.87 avg300=0.73 total=1500000\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n";
        assert_eq!(stalled(text), [("some", 1.5), ("full", 0.25)]);
        assert_eq!(stalled("half avg10=0 total=1\nsome\n"), []);
    }
}
