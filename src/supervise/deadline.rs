//! When a step must be looked at next: its wall limit, and the earliest moment at which it can have used up its CPU
//! time. No tick: the second is computed from what is left and how many CPUs may burn it.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use model::Limits;
use sandbox::cgroup::cpu_usage_us;
use tokio::time::{Instant, sleep_until};

/// Below this the timer and the cgroup's own counter are no finer.
const LEAST: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(crate) struct Deadlines {
    wall: Instant,
    cpu_limit_us: u64,
    cpus: f64,
    /// Where the cgroup counts CPU time; without one RLIMIT_CPU is what is left.
    counter: Option<OwnedFd>,
    next_cpu: Instant,
    /// Frozen since then.
    paused: Option<Instant>,
    /// In all pauses that are over.
    held_back: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    Wall,
    Cpu,
}

impl Deadlines {
    /// `limited`: whether the cgroup holds the program to `limits.cpus`.
    pub(crate) fn new(limits: &Limits, counter: Option<OwnedFd>, limited: bool) -> Self {
        let now = Instant::now();
        // What the machine has is asked only where it counts: it is read from files each time.
        let cpus = if limited { limits.cpus } else { all_cpus() };
        let mut deadlines = Self {
            wall: now + Duration::from_millis(limits.wall_time_ms),
            cpu_limit_us: limits.cpu_time_ms.saturating_mul(1000),
            cpus: cpus.max(1.0),
            counter,
            next_cpu: now,
            paused: None,
            held_back: Duration::ZERO,
        };
        deadlines.next_cpu = now + deadlines.earliest(deadlines.cpu_limit_us);
        deadlines
    }

    /// Cancel-safe: may be dropped and called again. Never while paused: a frozen step uses up nothing.
    pub(crate) async fn reached(&mut self) -> Reached {
        if self.paused.is_some() {
            return std::future::pending().await;
        }
        loop {
            if self.counter.is_none() || self.wall <= self.next_cpu {
                sleep_until(self.wall).await;
                return Reached::Wall;
            }
            sleep_until(self.next_cpu).await;
            let used = self.counter.as_ref().and_then(|fd| cpu_usage_us(fd.as_fd()).ok()).unwrap_or(0);
            if used >= self.cpu_limit_us {
                return Reached::Cpu;
            }
            self.next_cpu = Instant::now() + self.earliest(self.cpu_limit_us - used);
        }
    }

    /// From now on no time passes for the step.
    pub(crate) fn pause(&mut self) {
        self.paused.get_or_insert_with(Instant::now);
    }

    pub(crate) fn resume(&mut self) {
        if let Some(since) = self.paused.take() {
            self.wall += since.elapsed();
            self.held_back += since.elapsed();
        }
    }

    /// Time that passed on the host and not for the step.
    pub(crate) fn held_back(&self) -> Duration {
        self.held_back + self.paused.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn earliest(&self, left_us: u64) -> Duration {
        Duration::from_micros(left_us).div_f64(self.cpus).max(LEAST)
    }
}

fn all_cpus() -> f64 {
    let all = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u32::try_from(all).map_or(1.0, f64::from)
}
