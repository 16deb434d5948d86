//! What is counted when it happens. Names and units as <https://opentelemetry.io/docs/specs/semconv/> has them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use model::{Decision, Job, Status};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

use super::asked;

/// Tenants that are told apart; all others are one.
const MOST_TENANTS: usize = 100;
const OTHER: &str = "_other";

/// Seconds: from a program that does nothing to one that builds something.
const LONG: [f64; 15] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];
/// Seconds: what is Stockade's own work takes microseconds to milliseconds.
const SHORT: [f64; 14] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0];

#[derive(Debug)]
pub(super) struct Meters {
    ended: Counter<u64>,
    admit: Histogram<f64>,
    queue: Histogram<f64>,
    setup: Histogram<f64>,
    run: Histogram<f64>,
    policy: Histogram<f64>,
    requests: Histogram<f64>,
    tenants: Mutex<BTreeSet<String>>,
}

impl Meters {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, what: &'static str, bounds: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(what);
            histogram.with_boundaries(bounds.to_vec()).build()
        };
        Self {
            ended: meter
                .u64_counter("stockade.jobs.ended")
                .with_description("Jobs that have ended, those refused by policies among them")
                .build(),
            admit: seconds(
                "stockade.job.admit.duration",
                "From a job's arrival to its place in the queue",
                &SHORT,
            ),
            queue: seconds("stockade.job.queue.duration", "How long a job waited for its place", &LONG),
            setup: seconds("stockade.job.setup.duration", "Until the sandbox stood", &SHORT),
            run: seconds("stockade.job.run.duration", "Wall time of a job's steps together", &LONG),
            policy: seconds(
                "stockade.policy.duration",
                "One answer of one policy, by its verdict; 0 where it was remembered",
                &SHORT,
            ),
            requests: seconds("http.server.request.duration", "Until the head of the answer", &LONG),
            tenants: Mutex::default(),
        }
    }

    pub(super) fn ended(&self, job: &Job) {
        self.count(job.status, &job.tenant);
        self.decided(&job.policy);
        let timing = &job.timing;
        self.admit.record(seconds(timing.admit_us), &[]);
        if job.started_at.is_some() {
            self.queue.record(seconds(timing.queue_us), &[]);
            self.run.record(seconds(timing.run_us), &[]);
        }
        // Where it is 0 no sandbox has stood.
        if timing.setup_us > 0 {
            self.setup.record(seconds(timing.setup_us), &[]);
        }
    }

    pub(super) fn denied(&self, tenant: &str, decisions: &[Decision]) {
        self.count(Status::Denied, tenant);
        self.decided(decisions);
    }

    fn count(&self, status: Status, tenant: &str) {
        let status = KeyValue::new("stockade.status", status.word());
        self.ended.add(1, &[status, KeyValue::new("stockade.tenant", self.tenant(tenant))]);
    }

    fn decided(&self, decisions: &[Decision]) {
        for decision in decisions {
            self.policy.record(seconds(decision.duration_us), &asked(decision));
        }
    }

    /// Whoever makes tokens makes tenants, and nobody forgets one: the first so many keep their names.
    fn tenant(&self, tenant: &str) -> String {
        let mut known = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(tenant) {
            if known.len() >= MOST_TENANTS {
                return OTHER.into();
            }
            known.insert(tenant.to_owned());
        }
        tenant.to_owned()
    }

    pub(super) fn request(&self, attributes: &[KeyValue], took: Duration) {
        self.requests.record(took.as_secs_f64(), attributes);
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of centuries")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
