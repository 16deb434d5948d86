use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use model::JobId;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Held;
use crate::Expired;
use crate::backend::{Lease, Ticket, Turn};

pub(super) fn ready(id: JobId, held: Held) -> Ticket {
    Ticket::new(id, Now(Some(Lease::new(id, held))))
}

pub(super) fn too_late(id: JobId) -> Ticket {
    Ticket::new(id, Now(None))
}

pub(super) fn waiting(id: JobId, held: Held, deadline: Option<Instant>) -> Ticket {
    Ticket::new(id, InLine { id, held: Some(held), deadline, timer: None })
}

/// It does not have to wait: it may start, or it is too late.
struct Now(Option<Lease>);

struct InLine {
    id: JobId,
    /// The place in line, and from its turn on what was asked for: dropping it gives up either. Gone once told.
    held: Option<Held>,
    deadline: Option<Instant>,
    /// Made at the first poll: a ticket may be taken where no timer runs.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Future for Now {
    type Output = Result<Lease, Expired>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(self.0.take().ok_or(Expired))
    }
}

impl Turn for Now {
    fn position(&self) -> Option<usize> {
        None
    }
}

impl Future for InLine {
    type Output = Result<Lease, Expired>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(held) = self.held.take() else { return Poll::Ready(Err(Expired)) };
        if held.is_granted(context.waker()) {
            return Poll::Ready(Ok(Lease::new(self.id, held)));
        }
        if self.deadline_passed(context) {
            // Its turn may have come since.
            let expired = held.expire();
            return Poll::Ready(if expired { Err(Expired) } else { Ok(Lease::new(self.id, held)) });
        }
        self.held = Some(held);
        Poll::Pending
    }
}

impl InLine {
    fn deadline_passed(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline) = self.deadline else { return false };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(context).is_ready()
    }
}

impl Turn for InLine {
    fn position(&self) -> Option<usize> {
        self.held.as_ref()?.position()
    }
}

impl Held {
    /// Whether its turn has come; else it is woken when it comes.
    fn is_granted(&self, waker: &Waker) -> bool {
        let mut state = self.shared.lock();
        if state.core.holds(self.number) {
            return true;
        }
        let known = state.wakers.get(&self.number).is_some_and(|known| known.will_wake(waker));
        let former = if known { None } else { state.wakers.insert(self.number, waker.clone()) };
        // See where a waker is taken away.
        drop(state);
        drop(former);
        false
    }

    fn expire(&self) -> bool {
        self.shared.change(|state, now| state.core.expire(self.number, now))
    }

    fn position(&self) -> Option<usize> {
        self.shared.lock().core.position(self.number)
    }
}
