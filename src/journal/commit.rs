//! The answer to a write, once it is committed.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::JournalError;

type Answer = Result<(), JournalError>;

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    Answered(Answer),
    Taken,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Resolves when the write is committed, or will not be. The write goes on where this is dropped.
#[derive(Debug)]
pub struct Commit(Arc<Shared>);

/// The writer's end. Dropped without an answer, the answer is that the journal is closed.
#[derive(Debug)]
pub(crate) struct Promise(Option<Arc<Shared>>);

impl Commit {
    pub(crate) fn pair() -> (Promise, Self) {
        let shared = Arc::new(Shared { state: Mutex::new(State::Waiting(None)), answered: Condvar::new() });
        (Promise(Some(Arc::clone(&shared))), Self(shared))
    }

    pub(crate) fn answered(answer: Answer) -> Self {
        Self(Arc::new(Shared { state: Mutex::new(State::Answered(answer)), answered: Condvar::new() }))
    }

    /// For threads that may block.
    pub fn wait(self) -> Answer {
        let mut state = self.0.lock();
        loop {
            match std::mem::replace(&mut *state, State::Taken) {
                State::Answered(answer) => return answer,
                State::Taken => return Err(JournalError::Closed),
                waiting @ State::Waiting(_) => *state = waiting,
            }
            state = self.0.answered.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Future for Commit {
    type Output = Answer;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answer> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Answered(answer) => Poll::Ready(answer),
            State::Taken => Poll::Ready(Err(JournalError::Closed)),
            State::Waiting(_) => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
        }
    }
}

impl Promise {
    pub(crate) fn keep(mut self, answer: Answer) {
        self.answer(answer);
    }

    fn answer(&mut self, answer: Answer) {
        let Some(shared) = self.0.take() else { return };
        let before = std::mem::replace(&mut *shared.lock(), State::Answered(answer));
        shared.answered.notify_one();
        if let State::Waiting(Some(waker)) = before {
            waker.wake();
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.answer(Err(JournalError::Closed));
    }
}
