//! What the cases share.

mod authority;
mod canary;
mod docker;
mod here;
mod layout;
mod program;
mod proxy;
mod rootfs;
pub(crate) mod served;
pub(crate) mod who;

pub(crate) use authority::Authority;
pub(crate) use canary::Canary;
pub(crate) use docker::Docker;
pub(crate) use here::Here;
pub(crate) use layout::Layout;
pub(crate) use program::probe;
pub(crate) use proxy::Proxy;
pub(crate) use rootfs::Rootfs;

use std::ffi::OsStr;
use std::process::Command;

/// The standard output of a program that must succeed.
pub(crate) fn output(program: &str, args: &[impl AsRef<OsStr>]) -> Vec<u8> {
    // Where skopeo looks for credentials: a folder that it cannot enter is an error for it.
    let output = Command::new(program).args(args).env("XDG_RUNTIME_DIR", "/nonexistent").output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let shown: Vec<_> = args.iter().map(AsRef::as_ref).collect();
    assert!(output.status.success(), "{program} {shown:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
