//! Messages between daemon, launcher and init: postcard over `SOCK_SEQPACKET`, descriptors by `SCM_RIGHTS`.
//!
//! One packet is one message. A message too large for a packet goes in a sealed memfd that travels as its first
//! descriptor. A receiver never trusts a length it did not count itself: a truncated packet is an error.

use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::socket::{AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::sys::{self, Packet};

/// Below the default `net.core.wmem_default`, with room for several messages in flight.
const INLINE: usize = 32 << 10;
/// The most a memfd message may hold: a plan with the longest command and environment allowed.
const LARGEST: u64 = 64 << 20;

const IN_PACKET: u8 = 0;
const IN_MEMFD: u8 = 1;

pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?)
}

pub fn send<T: Serialize>(socket: BorrowedFd<'_>, message: &T, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    send_as(socket, message, fds, MsgFlags::empty())
}

/// `WouldBlock` where the other side has not taken what was sent before.
pub(crate) fn try_send<T: Serialize>(
    socket: BorrowedFd<'_>,
    message: &T,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    send_as(socket, message, fds, MsgFlags::MSG_DONTWAIT)
}

fn send_as<T: Serialize>(
    socket: BorrowedFd<'_>,
    message: &T,
    fds: &[BorrowedFd<'_>],
    how: MsgFlags,
) -> io::Result<()> {
    let mut packet = postcard::to_extend(message, vec![IN_PACKET]).map_err(io::Error::other)?;
    let mut raw: Vec<RawFd> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let spilled;
    if packet.len() > INLINE {
        spilled = sealed(c"stockade-message", &packet[1..])?;
        raw.insert(0, spilled.as_raw_fd());
        packet = vec![IN_MEMFD];
    }
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    loop {
        match sendmsg::<()>(
            socket.as_raw_fd(),
            &[IoSlice::new(&packet)],
            control,
            MsgFlags::MSG_NOSIGNAL | how,
            None,
        ) {
            Err(Errno::EINTR) => (),
            result => return Ok(result.map(drop)?),
        }
    }
}

/// The next message and its descriptors; `None` when the other side has closed.
pub fn receive<T: DeserializeOwned>(socket: BorrowedFd<'_>) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut packet = vec![0; INLINE];
    let (length, mut fds) = receive_packet(socket, &mut packet)?;
    if length == 0 {
        return Ok(None);
    }
    let message = match packet[0] {
        IN_PACKET => decode(&packet[1..length])?,
        IN_MEMFD if !fds.is_empty() => decode(&read_all(fds.remove(0))?)?,
        _ => return Err(io::ErrorKind::InvalidData.into()),
    };
    Ok(Some((message, fds)))
}

fn receive_packet(socket: BorrowedFd<'_>, packet: &mut [u8]) -> io::Result<(usize, Vec<OwnedFd>)> {
    loop {
        match sys::receive(socket, packet) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
            Ok(received) => {
                // Also those of a packet that is of no use: they would stay open.
                let fds = rights(&received.control);
                return match received {
                    Packet { is_short: true, .. } => Err(Errno::EMFILE.into()),
                    Packet { is_cut: true, .. } => Err(io::ErrorKind::InvalidData.into()),
                    Packet { length, .. } => Ok((length, fds)),
                };
            }
        }
    }
}

/// The descriptors in what recvmsg(2) has written over zeroes: headers of a length, a level and a type, each with what it is
/// about behind it, to the next eight bytes (cmsg(3); 64 bits, little-endian, as all that Stockade runs on).
#[expect(clippy::cast_possible_truncation, reason = "the half that is asked for")]
fn rights(control: &[u64]) -> Vec<OwnedFd> {
    let half = |at: usize| control.get(at / 2).map_or(0, |pair| (pair >> (32 * (at % 2))) as u32);
    let (mut at, mut fds) = (0, Vec::new());
    while let length @ 16.. = half(at) as usize {
        if (half(at + 2), half(at + 3)) == (libc::SOL_SOCKET as u32, libc::SCM_RIGHTS as u32) {
            fds.extend((4..length / 4).map(|i| sys::adopt(half(at + i).cast_signed())));
        }
        at += length.div_ceil(8) * 2;
    }
    fds
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

fn read_all(memfd: OwnedFd) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::from(memfd).take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A memfd that holds `contents`, at offset 0, and can never change again.
pub fn sealed(name: &std::ffi::CStr, contents: &[u8]) -> io::Result<OwnedFd> {
    let mut file =
        std::fs::File::from(memfd_create(name, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(contents)?;
    io::Seek::rewind(&mut file)?;
    seal(file.as_fd())?;
    Ok(file.into())
}

pub(crate) fn seal(memfd: BorrowedFd<'_>) -> io::Result<()> {
    let all =
        SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(memfd, FcntlArg::F_ADD_SEALS(all))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_and_large_messages_arrive_with_their_descriptors() {
        let (a, b) = pair().expect("socketpair");
        for size in [0, 10, INLINE, INLINE * 40] {
            let sent = vec![7u8; size];
            send(a.as_fd(), &sent, &[a.as_fd(), b.as_fd()]).expect("send");
            let (got, fds) = receive::<Vec<u8>>(b.as_fd()).expect("receive").expect("open");
            assert_eq!((got, fds.len()), (sent, 2), "{size}");
        }
    }

    #[test]
    fn end_of_file_is_none_and_garbage_is_an_error() {
        let (a, b) = pair().expect("socketpair");
        for garbage in [&[9u8][..], &[IN_MEMFD], &[IN_PACKET, 0xff, 0xff, 0xff]] {
            nix::sys::socket::send(a.as_raw_fd(), garbage, MsgFlags::empty()).expect("send");
            assert!(receive::<String>(b.as_fd()).is_err(), "{garbage:?}");
        }
        drop(a);
        assert!(receive::<String>(b.as_fd()).expect("receive").is_none());
    }
}
