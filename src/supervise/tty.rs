//! `stockade run -t`: this process's terminal joined to the sandbox's own.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::{self, Kept};

/// Until the program's side is closed. The sandbox's terminal is a device of its own: the program can neither read what
/// is typed elsewhere nor type for the user (CVE-2017-5226).
pub(crate) async fn relay(outside: OwnedFd, kept: &mut Kept) {
    let _raw = Raw::new();
    let Ok((reader, writer)) = split(&outside) else { return };
    tokio::select! {
        // Its end is EIO, which is the end of output like any other.
        () = output::relay(reader, tokio::io::stdout(), kept) => (),
        () = type_in(writer) => (),
        () = follow_size(&outside) => (),
    }
}

/// A terminal is no pipe; of the pipe types only readiness and read or write are used.
fn split(terminal: &OwnedFd) -> io::Result<(pipe::Receiver, pipe::Sender)> {
    fcntl(terminal, FcntlArg::F_SETFL(OFlag::O_NONBLOCK | OFlag::O_RDWR))?;
    let reader = pipe::Receiver::from_owned_fd_unchecked(terminal.try_clone()?)?;
    Ok((reader, pipe::Sender::from_owned_fd_unchecked(terminal.try_clone()?)?))
}

async fn type_in(mut terminal: pipe::Sender) {
    let _ = tokio::io::copy(&mut tokio::io::stdin(), &mut terminal).await;
    std::future::pending::<()>().await;
}

/// Rows and columns of this process's terminal.
pub(crate) fn size() -> (u16, u16) {
    sandbox::terminal_size(io::stdin().as_fd()).unwrap_or((0, 0))
}

async fn follow_size(terminal: &OwnedFd) {
    let Ok(mut changes) = signal(SignalKind::window_change()) else { return std::future::pending().await };
    while changes.recv().await.is_some() {
        let (rows, columns) = size();
        let _ = sandbox::set_terminal_size(terminal.as_fd(), rows, columns);
    }
    std::future::pending::<()>().await;
}

/// Keys go to the program as they are typed; the former mode comes back whatever happens.
struct Raw(Option<Termios>);

impl Raw {
    fn new() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut mode) = before.clone() {
            cfmakeraw(&mut mode);
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &mode);
        }
        Self(before)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(mode) = &self.0 {
            let _ = tcsetattr(io::stdin(), SetArg::TCSADRAIN, mode);
        }
    }
}
