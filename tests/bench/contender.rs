//! Who takes part: something that runs `true` in a container again and again.

use std::time::{Duration, Instant};

pub(crate) trait Contender: Sync {
    fn name(&self) -> String;

    /// A client of its own (a connection, say); each call of it is one run from start to finish.
    fn client(&self) -> Box<dyn FnMut() -> Result<(), String> + '_>;

    /// Where the time of one run went, by its own account.
    fn breakdown(&self) -> Option<String> {
        None
    }
}

/// Named, with the reason; never left out in silence.
pub(crate) struct Skipped {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// The second run's time: the first may load what the others find in memory.
pub(crate) fn warm_up(contender: &dyn Contender) -> Result<Duration, Skipped> {
    let mut run = contender.client();
    let mut once = || {
        let start = Instant::now();
        let failed = |reason| Skipped { name: contender.name(), reason };
        run().map_err(failed).map(|()| start.elapsed())
    };
    once()?;
    once()
}

/// `runs` runs of each client, all clients at once.
pub(crate) fn turn(contender: &dyn Contender, clients: usize, runs: usize) -> Vec<Duration> {
    let one = || {
        let mut run = contender.client();
        let timed = |_| {
            let start = Instant::now();
            run().unwrap_or_else(|reason| panic!("{}: {reason}", contender.name()));
            start.elapsed()
        };
        (0..runs).map(timed).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(one)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a client's thread")).collect()
    })
}
