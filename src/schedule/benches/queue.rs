//! What a job costs in the queue: `cargo bench -p schedule`.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use model::JobId;
use schedule::{Ask, Backend, Capacity, Local, Quotas, Ticket};

const ROUNDS: u32 = 200_000;
const TENANTS: u32 = 10;

fn main() {
    let empty = measure(&queue(), |queue, nth| drop(started(queue.submit(ask(nth)).ok())));
    say("submit, start and end, nobody waiting", empty);
    for waiting in [0, 100, 1_000, 10_000, 90_000] {
        let queue = queue();
        let mut running: VecDeque<_> = (0..2).map(|nth| started(queue.submit(ask(nth)).ok())).collect();
        let mut lines = Lines::default();
        (0..waiting).for_each(|nth| lines.push(nth, queue.submit(ask(nth)).ok()));
        let pass = measure(&queue, |queue, nth| {
            lines.push(nth, queue.submit(ask(nth)).ok());
            running.pop_front();
            running.push_back(started(lines.next()));
        });
        assert!(running.iter().all(Option::is_some), "each round starts a job");
        say(&format!("submit, end of a job and start of the next, {waiting} waiting"), pass);
        let turned_away = measure(&queue, |queue, nth| drop(queue.submit(ask(nth))));
        say(&format!("submit and leave the line, {waiting} waiting"), turned_away);
    }
}

/// Tickets by tenant, so that the one whose turn has come is quickly found.
#[derive(Default)]
struct Lines {
    tenants: [VecDeque<Ticket>; TENANTS as usize],
    turn: usize,
}

impl Lines {
    fn push(&mut self, nth: u32, ticket: Option<Ticket>) {
        self.tenants[(nth % TENANTS) as usize].extend(ticket);
    }

    fn next(&mut self) -> Option<Ticket> {
        for _ in 0..TENANTS {
            self.turn = (self.turn + 1) % self.tenants.len();
            let line = &mut self.tenants[self.turn];
            if line.front().is_some_and(|ticket| ticket.position().is_none()) {
                return line.pop_front();
            }
        }
        None
    }
}

fn queue() -> Local {
    let capacity = Capacity { slots: 2, memory_bytes: 1 << 34, cpu_millis: 4_000, max_queued: 100_000 };
    Local::new(capacity, Quotas::default())
}

fn ask(nth: u32) -> Ask {
    let tenant = format!("tenant {}", nth % TENANTS);
    Ask {
        id: ID.with(|id| *id),
        tenant,
        priority: 0,
        memory_bytes: 1 << 29,
        cpu_millis: 1_000,
        deadline: None,
        counted: true,
    }
}

thread_local! {
    /// Made once: a random number from the kernel would cost as much as the rest.
    static ID: JobId = JobId::new();
}

fn started(ticket: Option<Ticket>) -> Option<schedule::Lease> {
    let mut ticket = ticket?;
    match Pin::new(&mut ticket).poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(lease) => lease.ok(),
        std::task::Poll::Pending => None,
    }
}

fn measure(queue: &Local, mut round: impl FnMut(&Local, u32)) -> Duration {
    let start = Instant::now();
    for nth in 0..ROUNDS {
        round(queue, nth);
    }
    start.elapsed() / ROUNDS
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn say(what: &str, time: Duration) {
    println!("{:>8.2} us  {what}", time.as_secs_f64() * 1e6);
}
