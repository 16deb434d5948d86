//! Both sides of a step's stdin, stdout and stderr.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use tokio::net::unix::pipe;

/// The program's side; dropped as soon as it is sent, so that the end of the program is the end of the pipe.
#[derive(Debug)]
pub(crate) struct Inside {
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

#[derive(Debug)]
pub(crate) struct Outside {
    /// Where stdin is passed on as it comes; `None` where it was all given at once.
    pub(crate) stdin: Option<pipe::Sender>,
    pub(crate) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
}

/// `stdin` is what the program reads, or `None` for a pipe.
pub(crate) fn pipes(stdin: Option<OwnedFd>) -> io::Result<(Inside, Outside)> {
    let (stdout_reader, stdout) = pipe2(OFlag::O_CLOEXEC)?;
    let (stderr_reader, stderr) = pipe2(OFlag::O_CLOEXEC)?;
    let (stdin, stdin_writer) = if let Some(given) = stdin {
        (given, None)
    } else {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        (reader, Some(pipe::Sender::from_owned_fd(nonblocking(writer)?)?))
    };
    let outside = Outside {
        stdin: stdin_writer,
        stdout: pipe::Receiver::from_owned_fd(nonblocking(stdout_reader)?)?,
        stderr: pipe::Receiver::from_owned_fd(nonblocking(stderr_reader)?)?,
    };
    Ok((Inside { stdin, stdout, stderr }, outside))
}

/// Of this end only: the program's end of the pipe has flags of its own.
fn nonblocking(fd: OwnedFd) -> io::Result<OwnedFd> {
    fcntl(fd.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(fd)
}
