//! Signals for `run` are the job's: it is not in our process group, so a terminal's ^C reaches only us.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use nix::sys::signal::Signal::{self, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use supervise::Order;
use tokio::signal::unix::{Signal as Arrivals, SignalKind, signal};
use tokio::sync::mpsc;

const FORWARDED: [Signal; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];
/// Whoever asks this often means the job to be gone.
const PATIENCE: u8 = 3;

/// What arrives from now on, as orders. Must be called inside a runtime.
pub(crate) fn forward() -> io::Result<mpsc::Receiver<Order>> {
    let asked = Arc::new(AtomicU8::new(0));
    let (orders, inbox) = mpsc::channel(16);
    for kind in FORWARDED {
        // Not so the others: a script's `&` ignores SIGINT too, and a signal sent to us by name is meant for the job.
        if kind == SIGHUP && under_nohup() {
            continue;
        }
        let arrivals = signal(SignalKind::from_raw(kind as i32))?;
        tokio::spawn(pass_on(kind, arrivals, orders.clone(), Arc::clone(&asked)));
    }
    Ok(inbox)
}

async fn pass_on(kind: Signal, mut arrivals: Arrivals, orders: mpsc::Sender<Order>, asked: Arc<AtomicU8>) {
    while arrivals.recv().await.is_some() {
        let ends = matches!(kind, SIGINT | SIGTERM);
        let last = ends && asked.fetch_add(1, Ordering::Relaxed) + 1 >= PATIENCE;
        let order = if last { Order::Cancel } else { Order::Signal(kind as i32) };
        if orders.send(order).await.is_err() {
            return;
        }
    }
}

/// Whether we were started with SIGHUP ignored: `SigIgn` of proc(5), one bit each from signal 1 on.
fn under_nohup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (SIGHUP as i32 - 1)) != 0)
}
