//! The thread that makes instances ahead and drops the used ones. It is woken by the clock of the calls, never by a call:
//! a job must not pay for the next one's comfort.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};

use super::{Ready, Stock};

/// Instances made ahead, used ones that still stand included. The pool has a place for each.
pub(crate) const MOST: usize = 32;
/// Their linear memories together.
pub(super) const MOST_BYTES: usize = 128 << 20;

/// Ends its thread when it is dropped.
#[derive(Debug)]
pub(crate) struct Maker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// Something was taken since the thread was woken.
    due: AtomicBool,
    /// From the waking to the end of the work.
    busy: AtomicBool,
    ended: AtomicBool,
    thread: OnceLock<Thread>,
    spent: Mutex<Vec<Ready>>,
    room: Mutex<Room>,
    /// Of the set in force.
    stock: Mutex<Weak<Stock>>,
}

#[derive(Debug, Default)]
struct Room {
    instances: usize,
    bytes: usize,
}

/// One instance's share of the room.
#[derive(Debug)]
pub(crate) struct Held {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut room = lock(&self.shared.room);
        room.instances -= 1;
        room.bytes -= self.bytes;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Maker {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default() }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// From now on it works for this one alone.
    pub(crate) fn serve(&self, stock: &Arc<Stock>) {
        *lock(&self.shared.stock) = Arc::downgrade(stock);
    }

    /// For the clock, at each of its steps: wakes the thread where there is work, and says whether there is.
    pub(crate) fn bell(&self) -> impl Fn() -> bool + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move || ring(&shared)
    }
}

impl Drop for Maker {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        drop(std::mem::take(&mut *lock(&self.shared.spent)));
        self.shared.thread.get().map(Thread::unpark);
    }
}

impl Shared {
    pub(super) fn is_due(&self) {
        self.due.store(true, Ordering::SeqCst);
    }

    pub(super) fn spend(&self, used: Ready) {
        lock(&self.spent).push(used);
    }

    pub(super) fn hold(shared: &Arc<Self>, bytes: usize) -> Option<Held> {
        let mut room = lock(&shared.room);
        if room.instances >= MOST || room.bytes + bytes > MOST_BYTES {
            return None;
        }
        room.instances += 1;
        room.bytes += bytes;
        Some(Held { shared: Arc::clone(shared), bytes })
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        lock(&self.room).instances
    }

    pub(super) fn work(&self) {
        // To tear them down takes long, and whoever ends a call waits for the lock.
        let spent = std::mem::take(&mut *lock(&self.spent));
        drop(spent);
        let stock = lock(&self.stock).upgrade();
        if let Some(stock) = stock {
            stock.fill();
        }
    }
}

fn ring(shared: &Arc<Shared>) -> bool {
    if shared.busy.load(Ordering::SeqCst) {
        return true;
    }
    if !shared.due.swap(false, Ordering::SeqCst) {
        return false;
    }
    shared.busy.store(true, Ordering::SeqCst);
    if let Some(thread) = shared.thread.get() {
        thread.unpark();
        return true;
    }
    let of_thread = Arc::clone(shared);
    match thread::Builder::new().name("policy-maker".into()).spawn(move || run(&of_thread)) {
        Ok(handle) => shared.thread.get_or_init(|| handle.thread().clone()).unpark(),
        // Out of threads: calls make their own, and the next one has this tried again.
        Err(error) => {
            tracing::debug!("no thread for policies to be made ahead: {error}");
            shared.busy.store(false, Ordering::SeqCst);
        }
    }
    true
}

fn run(shared: &Shared) {
    loop {
        while !shared.busy.load(Ordering::SeqCst) {
            thread::park();
            if shared.ended.load(Ordering::SeqCst) {
                return;
            }
        }
        shared.work();
        shared.busy.store(false, Ordering::SeqCst);
    }
}
