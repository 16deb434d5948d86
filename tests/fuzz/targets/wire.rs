use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::sys::socket::{MsgFlags, send};
use sandbox::protocol::{DiskUsage, FileEntry, Order, Report, Request, StepExit};
use sandbox::wire;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{kind, sockets};
use crate::change::Form;
use crate::hunt::Target;

/// Packets between daemon, launcher and init. Init stands next to the job, so what comes from there may be anything. The
/// first byte says which message is awaited, the rest is the packet.
pub(super) fn target() -> Target {
    Target { name: "wire", form: Form::Bytes, seeds, words: &[], tried }
}

fn seeds() -> Vec<Vec<u8>> {
    let file = FileEntry { path: "a/b".into(), mode: 0o644, bytes: 5 };
    let (usage, disk) = (model::GroupUsage::default(), DiskUsage::default());
    let exit = StepExit { step: 1, error: None, wait_status: 9, wall_us: 7, usage, disk };
    vec![
        packet(0, &Report::Exited(exit)),
        packet(0, &Report::Artifact { path: "out".into(), bytes: 1 << 40 }),
        packet(0, &Report::ArtifactRefused { path: "x".into(), code: "too_large".into(), errno: 27 }),
        packet(0, &Report::Started { step: 0 }),
        packet(0, &Report::Ready { steps_us: Vec::new() }),
        packet(1, &Order::Files(vec![file])),
        packet(1, &Order::Run { step: 1, terminal: (24, 80) }),
        packet(2, &Request::Tool { task: vec![1, 2, 3] }),
        vec![0, 1],
        vec![0],
    ]
}

fn packet<T: Serialize>(what: u8, message: &T) -> Vec<u8> {
    postcard::to_extend(message, vec![what, 0]).expect("a message")
}

fn tried(input: &[u8]) -> String {
    let (what, packet) = input.split_first().unwrap_or((&0, &[]));
    match what % 3 {
        0 => received::<Report>(packet),
        1 => received::<Order>(packet),
        _ => received::<Request<'static>>(packet),
    }
}

/// A message that is taken is the same after one more journey.
fn received<T: Serialize + DeserializeOwned>(packet: &[u8]) -> String {
    let (to, from) = sockets();
    send(to.as_raw_fd(), &packet[..packet.len().min(32 << 10)], MsgFlags::empty()).expect("a packet");
    let message = match wire::receive::<T>(from.as_fd()) {
        Ok(Some((message, fds))) if fds.is_empty() => message,
        Ok(Some(_)) => panic!("descriptors from nowhere"),
        Ok(None) => return "closed".into(),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => return kind(&error.to_string()),
        Err(error) => panic!("{error}"),
    };
    let bytes = postcard::to_stdvec(&message).expect("a message");
    wire::send(to.as_fd(), &message, &[]).expect("sent on");
    let (again, _) = wire::receive::<T>(from.as_fd()).expect("taken").expect("open");
    assert_eq!(postcard::to_stdvec(&again).expect("a message"), bytes);
    format!("message {}", bytes.first().copied().unwrap_or_default())
}
