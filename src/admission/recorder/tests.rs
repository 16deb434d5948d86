use std::fs;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::sync::atomic::Ordering::Relaxed;

use model::Content;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;

use super::{MAX_CONTENTS, MAX_WAITING_BYTES, Memories, Recorded, Recorder, recordable};
use crate::testing::{Folder, about, job};

fn recorded(command: &str) -> Recorded {
    recorded_with(command, "in")
}

fn recorded_with(command: &str, input: &str) -> Recorded {
    let memories: Memories =
        serde_json::from_value(json!({ "kv": { "quota": { "n": "3" } } })).expect("older ones have no end");
    let (job, partial) = recordable(&job(json!({ "command": [command], "stdin": { "text": input } })));
    Recorded { about: about(), job, partial, memories, admitted: true, decisions: Vec::new() }
}

#[test]
fn every_line_reads_back_and_the_file_is_its_owners_alone() {
    let folder = Folder::new();
    let path = folder.path().join("log");
    let recorder = Recorder::open(&path).expect("a folder of ours");
    let sent = ["one", "two", "three"].map(recorded);
    let ids = sent.each_ref().map(|line| line.about.id);
    let jobs = sent.each_ref().map(|line| line.job.clone());
    for line in sent {
        recorder.record(line);
    }
    recorder.close();
    let text = fs::read_to_string(&path).expect("written");
    let lines: Vec<Recorded> =
        text.lines().map(|line| serde_json::from_str(line).expect("one document a line")).collect();
    assert_eq!(lines.iter().map(|line| line.about.id).collect::<Vec<_>>(), ids);
    assert_eq!(lines.iter().map(|line| line.job.clone()).collect::<Vec<_>>(), jobs);
    assert!(lines.iter().all(|line| line.memories.kv["quota"]["n"] == "3" && line.admitted && !line.partial));
    assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
}

#[test]
fn opening_again_goes_on_behind_what_is_there() {
    let folder = Folder::new();
    let path = folder.path().join("log");
    for command in ["one", "two"] {
        let recorder = Recorder::open(&path).expect("a folder of ours");
        recorder.record(recorded(command));
        recorder.close();
    }
    assert_eq!(fs::read_to_string(&path).expect("written").lines().count(), 2);
}

#[test]
fn what_comes_after_the_end_is_counted() {
    let folder = Folder::new();
    let path = folder.path().join("log");
    let recorder = Recorder::open(&path).expect("a folder of ours");
    recorder.close();
    recorder.record(recorded("late"));
    assert_eq!(recorder.dropped.load(Relaxed), 1);
    assert_eq!(fs::read_to_string(&path).expect("there"), "");
}

#[test]
fn a_file_that_cannot_be_is_an_error() {
    let folder = Folder::new();
    assert!(Recorder::open(folder.path()).is_err());
    assert!(Recorder::open(&folder.path().join("no/such")).is_err());
}

#[test]
fn contents_beyond_the_bound_are_left_out_and_said_so() {
    let mut spec = job(json!({ "command": ["x"], "files": [{ "path": "a", "text": "" }] }));
    spec.steps[0].stdin = vec![1; 10].into();
    spec.files[0].contents = vec![2; MAX_CONTENTS - 10].into();
    assert_eq!(recordable(&spec), (spec.clone(), false));
    spec.files[0].contents = vec![2; MAX_CONTENTS - 9].into();
    let (job, partial) = recordable(&spec);
    assert!(partial);
    assert!(job.files[0].contents.is_empty() && job.steps[0].stdin.is_empty());
    spec.files[0].contents = Content::default();
    spec.steps[0].stdin = Content::default();
    assert_eq!(job, spec, "all else is there");
}

#[test]
fn what_waits_has_an_end_in_bytes_too() {
    const SIZE: usize = 1 << 20;
    let folder = Folder::new();
    let path = folder.path().join("log");
    mkfifo(&path, Mode::S_IRWXU).expect("a folder of ours");
    // Nobody reads: the writer stands still with the first line.
    let reader =
        fs::File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).expect("just made");
    let recorder = Recorder::open(&path).expect("it has a reader");
    let (all, fit) = (2 * MAX_WAITING_BYTES / SIZE, MAX_WAITING_BYTES / SIZE);
    let input = "x".repeat(SIZE);
    for _ in 0..all {
        recorder.record(recorded_with("cat", &input));
    }
    let kept = all - usize::try_from(recorder.dropped.load(Relaxed)).expect("few");
    assert!((fit - 2..=fit).contains(&kept), "{kept} of {all}");
    drop(reader);
    recorder.close();
}
