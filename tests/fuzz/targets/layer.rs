use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use image::tool::{Caps, Compression, Task, Told, run};
use sandbox::{ImageIds, ToolCall, wire};
use support::Temp;
use support::archive::{Member, tar};

use super::{kind, sockets};
use crate::change::Form;
use crate::hunt::Target;

const CAPS: Caps = Caps { bytes: 1 << 20, entries: 200, path_bytes: 4096, depth: 32, ratio: 100 };

/// Layers, written to a tree by the tool.
pub(super) fn target() -> Target {
    let words = &[
        "../outside/secret",
        "/etc/passwd",
        "..",
        ".wh.",
        ".wh..wh..opq",
        "a/b/c",
        "ustar",
        "12 path=",
        "GNU.sparse.size=1",
        "SCHILY.xattr.user.a=b",
        "77777777777",
    ];
    Target { name: "layer", form: Form::Tar, seeds, words, tried }
}

fn seeds() -> Vec<Vec<u8>> {
    let plain = tar(&[
        ("a/", Member::Folder),
        ("a/b", Member::File { mode: 0o4755, contents: b"text" }),
        ("a/link", Member::Link("../../outside")),
        ("a/link/secret", Member::File { mode: 0o644, contents: b"over" }),
        ("a/.wh.gone", Member::File { mode: 0, contents: b"" }),
        ("etc/passwd", Member::File { mode: 0o644, contents: b"root:x:0:0::/:/bin/sh\n" }),
    ]);
    vec![plain, tar(&[]), Vec::new()]
}

fn tried(input: &[u8]) -> String {
    let lab = Temp::below(Path::new("/dev/shm"));
    let (place, outside) = (lab.path().join("place"), lab.path().join("outside"));
    fs::create_dir(&place).and_then(|()| fs::create_dir(&outside)).expect("folders");
    fs::write(outside.join("secret"), "canary").expect("a file");
    let told = unpack(input, &place);
    let found = fs::read_to_string(outside.join("secret")).expect("the secret");
    assert_eq!(
        (found.as_str(), names(&outside)),
        ("canary", vec!["secret".into()]),
        "something outside has changed"
    );
    assert_eq!(names(lab.path()), ["outside", "place"], "something was made outside");
    match told {
        Told::Unpacked(unpacked) => {
            let there = entries(&place.join("fs"));
            assert!(there <= CAPS.entries * u64::from(CAPS.depth), "{there} entries");
            format!("{} entries, {} skipped", unpacked.entries, unpacked.skipped)
        }
        Told::Refused { code, detail } => format!("{code:?} {}", kind(&detail)),
        other => panic!("no end: {other:?}"),
    }
}

/// The last that the tool says. In a thread of this process: what stands around it in the product is not tried here.
fn unpack(input: &[u8], place: &Path) -> Told {
    let (ours, socket) = sockets();
    let task = Task::Unpack { compression: Compression::Unknown, blob: None, diff_id: None, caps: CAPS };
    let task = postcard::to_stdvec(&task).expect("a task");
    let fds = vec![
        wire::sealed(c"layer", input).expect("a memfd"),
        OwnedFd::from(File::open(place).expect("a folder")),
    ];
    let ids = ImageIds { first: nix::unistd::geteuid().as_raw(), count: 1 };
    let tool = std::thread::spawn(move || run(ToolCall { socket, task, fds, ids }));
    let mut last = None;
    while let Some((told, _)) = wire::receive::<Told>(ours.as_fd()).expect("a message") {
        last = Some(told);
    }
    tool.join().expect("the tool does not panic");
    last.expect("an end")
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Below a folder, no link followed.
fn entries(folder: &PathBuf) -> u64 {
    let Ok(inside) = fs::read_dir(folder) else { return 0 };
    let count = |entry: fs::DirEntry| {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        1 + if is_folder { entries(&entry.path()) } else { 0 }
    };
    inside.flatten().map(count).sum()
}
