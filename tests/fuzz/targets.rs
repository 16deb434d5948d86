use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use crate::hunt::Target;

mod bundle;
mod layer;
mod profile;
mod request;
mod settings;
mod wire;

pub(crate) fn all() -> Vec<Target> {
    vec![
        wire::target(),
        request::target(),
        profile::target(),
        layer::target(),
        settings::target(),
        bundle::target(),
    ]
}

/// Files below `policies/`, as they are shipped.
fn shipped(paths: &[&str]) -> Vec<Vec<u8>> {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    paths.iter().map(|path| fs::read(policies.join(path)).expect("a shipped file")).collect()
}

/// As daemon, launcher, init and tool talk to each other.
fn sockets() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("sockets")
}

/// A message without what is the input's own in it, so that it names a kind.
fn kind(message: &str) -> String {
    let mut quoted = false;
    let told = message.chars().filter(|letter| {
        quoted ^= matches!(letter, '`' | '"' | '\'');
        !quoted && !letter.is_ascii_digit()
    });
    told.take(100).collect()
}
