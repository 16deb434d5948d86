use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// A member of a tar (pax(1), "ustar").
#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    Folder,
    File { mode: u32, contents: &'a [u8] },
    Link(&'a str),
}

pub fn tar(members: &[(&str, Member<'_>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, member) in members {
        let (mode, kind, to, contents): (u32, u8, &str, &[u8]) = match member {
            Member::Folder => (0o755, b'5', "", b""),
            Member::File { mode, contents } => (*mode, b'0', "", contents),
            Member::Link(to) => (0o777, b'2', to, b""),
        };
        out.extend(header(name, mode, kind, to, contents.len()));
        out.extend_from_slice(contents);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn header(name: &str, mode: u32, kind: u8, to: &str, size: usize) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, &format!("{mode:07o}\0{:07o}\0{:07o}\0{size:011o}\0{:011o}\0        ", 0, 0, 0));
    put(157, to);
    put(257, "ustar\x0000");
    header[156] = kind;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// What `docker save` would write of an image that has Debian's busybox and no more.
pub fn busybox(name: &str) -> Vec<u8> {
    let busybox = std::fs::read("/bin/busybox").expect("Debian: busybox-static");
    let passwd = b"root:x:0:0::/root:/bin/sh\napp:x:7:8::/app:/bin/sh\n";
    let mut members = vec![
        ("bin/", Member::Folder),
        ("bin/busybox", Member::File { mode: 0o755, contents: &busybox }),
        ("etc/", Member::Folder),
        ("etc/passwd", Member::File { mode: 0o644, contents: passwd }),
        ("tmp/", Member::Folder),
    ];
    let applets = ["bin/sh", "bin/cat", "bin/echo", "bin/id", "bin/ls", "bin/sleep", "bin/true"];
    members.extend(applets.map(|applet| (applet, Member::Link("busybox"))));
    image(name, &tar(&members))
}

/// An image of one layer.
pub fn image(name: &str, layer: &[u8]) -> Vec<u8> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = json!({
        "architecture": architecture, "os": "linux",
        "config": {"Env": ["PATH=/bin", "GREETING=hello"], "Cmd": ["sh", "-c", "echo $GREETING"]},
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", sha256(layer))]},
    });
    let config = config.to_string();
    let called = format!("{}.json", sha256(config.as_bytes()));
    let layer_name = format!("{}.tar", sha256(layer));
    let manifest = json!([{"Config": called, "RepoTags": [name], "Layers": [layer_name]}]).to_string();
    let file = |contents| Member::File { mode: 0o644, contents };
    tar(&[
        (layer_name.as_str(), file(layer)),
        (called.as_str(), file(config.as_bytes())),
        ("manifest.json", file(manifest.as_bytes())),
    ])
}

/// In hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes everything");
        text
    })
}
