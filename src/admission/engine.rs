//! The one wasmtime engine of a process: what it may use, and the clock that stops a runaway policy.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::call::{Aside, aside};

/// At each step every running call looks whether its time is over.
const STEP: Duration = Duration::from_millis(2);
/// How long the clock goes on after the last call, so that a busy daemon does not wake it again and again.
const LINGER: Duration = Duration::from_secs(1);
/// What any policy may have at most; the bundle gives less.
pub(crate) const MOST_MEMORY: usize = 256 << 20;
/// Interpreters bring dozens of core modules in one component.
const CORE_INSTANCES: u32 = 64;
const MEMORIES: u32 = 8;
const TABLES: u32 = 64;
const TABLE_ELEMENTS: usize = 40_000;
/// Of a memory that a call has used, what is wiped and kept instead of given back: a small policy's whole.
const KEEP: usize = 512 << 10;
const MAX_WASM_STACK: usize = 512 << 10;

/// What compiled code depends on: the same in the daemon and in the compiler's process.
fn base() -> Config {
    let mut config = Config::new();
    config.epoch_interruption(true).concurrency_support(false).max_wasm_stack(MAX_WASM_STACK);
    config.wasm_backtrace_max_frames(None);
    config
}

/// For the process that only compiles: nothing is reserved for instances.
pub(crate) fn compiler() -> wasmtime::Result<Engine> {
    Engine::new(&base())
}

/// For calls, `places` of them at a time, and `ahead` instances more that have one memory each.
pub(crate) fn caller(places: usize, ahead: usize) -> wasmtime::Result<Engine> {
    let count = |all: usize| u32::try_from(all).unwrap_or(u32::MAX);
    let (all, memories) = (count(places + ahead), count(places).saturating_mul(MEMORIES));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(all)
        .total_core_instances(all.saturating_mul(CORE_INSTANCES))
        .total_memories(memories.saturating_add(count(ahead)))
        .total_tables(all.saturating_mul(TABLES))
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(MOST_MEMORY)
        .table_elements(TABLE_ELEMENTS)
        .max_core_instance_size(8 << 20)
        .max_component_instance_size(8 << 20)
        .linear_memory_keep_resident(KEEP)
        .table_keep_resident(KEEP)
        .pagemap_scan(Enabled::Auto);
    Engine::new(base().allocation_strategy(InstanceAllocationStrategy::Pooling(pool)))
}

/// Moves the engine's epoch on while there are calls. It costs nothing while there are none.
#[derive(Debug)]
pub(crate) struct Clock {
    thread: Thread,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    calls: AtomicUsize,
    parked: AtomicBool,
}

/// While there is one, the clock runs.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Clock {
    /// `also` is done at each step, and says whether there is more of it to do.
    pub(crate) fn start(engine: &Engine, also: impl Fn() -> bool + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, for_thread) = (engine.weak(), Arc::clone(&shared));
        let handle = thread::Builder::new()
            .name("policy-clock".into())
            .spawn(move || run(&engine, &for_thread, also))?;
        Ok(Self { thread: handle.thread().clone(), shared })
    }

    /// For the time of one call.
    pub(crate) fn running(&self) -> Running<'_> {
        self.shared.calls.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        // It finds the engine gone.
        self.thread.unpark();
    }
}

fn run(engine: &EngineWeak, shared: &Shared, also: impl Fn() -> bool) {
    loop {
        shared.parked.store(true, Ordering::SeqCst);
        while shared.calls.load(Ordering::SeqCst) == 0 {
            thread::park();
            if engine.upgrade().is_none() {
                return;
            }
        }
        shared.parked.store(false, Ordering::SeqCst);
        let mut last_call = Instant::now();
        while last_call.elapsed() < LINGER {
            thread::sleep(STEP);
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
            if also() || shared.calls.load(Ordering::SeqCst) > 0 {
                last_call = Instant::now();
            }
        }
    }
}

/// Places for calls, so that the pool behind them is never found full.
#[derive(Debug)]
pub(crate) struct Places {
    room: Mutex<Room>,
    freed: Condvar,
}

#[derive(Debug)]
struct Room {
    free: usize,
    /// Waking costs a system call even where nobody waits.
    waiting: usize,
}

#[derive(Debug)]
pub(crate) struct Place<'a>(&'a Places);

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self { room: Mutex::new(Room { free: count, waiting: 0 }), freed: Condvar::new() }
    }

    /// `None` when none was free for that long. Whoever has to wait does so aside.
    pub(crate) fn take(&self, patience: Duration, how: Aside) -> Option<Place<'_>> {
        self.take_within(Duration::ZERO).or_else(|| aside(how, || self.take_within(patience)))
    }

    fn take_within(&self, patience: Duration) -> Option<Place<'_>> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if room.free == 0 && !patience.is_zero() {
            room.waiting += 1;
            let waited = self.freed.wait_timeout_while(room, patience, |room| room.free == 0);
            room = waited.unwrap_or_else(PoisonError::into_inner).0;
            room.waiting -= 1;
        }
        if room.free == 0 {
            return None;
        }
        room.free -= 1;
        Some(Place(self))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut room = self.0.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.free += 1;
        if room.waiting > 0 {
            self.0.freed.notify_one();
        }
    }
}
