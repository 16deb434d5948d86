//! A request of the daemon: a job gets its sandbox, or is told why not.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Live;
use crate::launcher::sandbox::{Brought, Sandbox};
use crate::plan::{Foundation, LaunchPlan};
use crate::protocol::{Report, Request};
use crate::step::{At, Step, StepError};
use crate::tool::ToolCall;
use crate::wire;

impl Live {
    /// `false` when the daemon has gone.
    pub(super) fn accept(&mut self, daemon: BorrowedFd<'_>) -> bool {
        self.reserve.give();
        let received = wire::receive::<Request<'static>>(daemon);
        let room = self.reserve.take_back().at(Step::Clone, 11);
        let Ok(message) = received else { return true };
        let Some((request, mut fds)) = message else { return false };
        if fds.is_empty() {
            return true;
        }
        let (socket, ids) = (fds.remove(0), self.ids.image_ids());
        match (request, room) {
            (Request::Job { .. }, Err(error)) => {
                refuse(&socket, error);
                drop(socket);
            }
            (Request::Job { plan, over }, Ok(())) => self.launch(plan.into_owned(), over, socket),
            // Should it fail, the socket is closed, which tells.
            (Request::Tool { task }, _) => {
                self.working.extend(self.tools.start(ToolCall { socket, task, fds, ids }));
            }
        }
        // Before anything else takes the room that a refused one has left.
        let _ = self.reserve.take_back();
        true
    }

    fn launch(&mut self, plan: LaunchPlan, over: Option<u32>, socket: OwnedFd) {
        if is_closed(&socket) {
            // Given up by the daemon while it waited here.
            return;
        }
        let foundation = plan.foundation();
        match self.find(&foundation, over) {
            Ok((mut sandbox, lent)) => {
                sandbox.share = self.processors.take(&plan, sandbox.processor);
                sandbox.assign(Brought { plan, over: lent }, socket, self.groups.as_ref());
                self.sandboxes.push(sandbox);
                let over_nothing = over.is_none().then(|| self.ahead.asked(&foundation)).flatten();
                if let Some(gone) = over_nothing {
                    self.retire_spares(|spare| spare.like.is_none() && spare.foundation == gone);
                }
            }
            Err(error) => refuse(&socket, error),
        }
    }

    /// One made ahead, or a new one; and for a case what it is over.
    fn find(
        &mut self,
        foundation: &Foundation,
        over: Option<u32>,
    ) -> Result<(Sandbox, Option<OwnedFd>), StepError> {
        let lent = over.map(|number| self.lend(number, foundation)).transpose()?;
        let like = over.filter(|_| self.ids.range.is_some());
        let fits = |spare: &Sandbox| spare.foundation == *foundation && spare.like == like;
        // On the processor that is used least; of several, the one that has been there longest.
        let fitting = (0..self.spares.len()).filter(|i| fits(&self.spares[*i]));
        let sandbox = match fitting.min_by_key(|i| self.processors.used(self.spares[*i].processor)) {
            Some(index) => self.spares.remove(index),
            None => self.make(foundation.clone(), like)?,
        };
        Ok((sandbox, lent))
    }

    fn lend(&mut self, number: u32, case: &Foundation) -> Result<OwnedFd, StepError> {
        let gone = StepError { step: Step::Overlay, index: 33, errno: libc::ESRCH };
        let base = self.sandboxes.iter_mut().find(|base| base.lends() && base.slot.number == number);
        base.ok_or(gone)?.lend(case)
    }
}

fn refuse(job: &OwnedFd, error: StepError) {
    let _ = wire::send(job.as_fd(), &Report::Failed(error), &[]);
    let _ = wire::send(job.as_fd(), &Report::Gone { out_of_memory: false }, &[]);
}

fn is_closed(socket: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(socket.as_fd(), PollFlags::empty())], PollTimeout::ZERO)
        .is_ok_and(|ready| ready > 0)
}
