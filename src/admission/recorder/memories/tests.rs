use std::fs;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use model::JobId;
use serde_json::json;

use super::Memories;
use crate::bundle::Grant;
use crate::kv::Kv;
use crate::recorder::Recorded;
use crate::testing::{Folder, about, host, job, put_in_force, validator};
use crate::{About, Admission, Options};

/// One policy with a memory, which traps when it is asked.
fn load(admission: &Admission) -> Arc<Kv> {
    let mut policy = validator(&admission.core.engine);
    Arc::get_mut(&mut policy).expect("nobody else's").grants.push(Grant::Kv);
    let kv = Arc::clone(&policy.kv);
    put_in_force(admission, policy);
    kv
}

fn open(record: Option<&std::path::Path>, aside: fn(&mut dyn FnMut())) -> Admission {
    let record = record.map(Into::into);
    let options = Options { host: host(), cache: None, record, places: 1, recalls: false, aside };
    Admission::open(options).expect("an engine")
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).expect("a time")
}

#[test]
fn what_is_put_back_is_what_was_there_and_ends_as_it_did() {
    let admission = open(None, |work| work());
    let kv = load(&admission);
    kv.put("ever", b"1".to_vec(), 0, 0).expect("room");
    kv.put("soon", b"2".to_vec(), 60, 1000).expect("room");
    kv.put("over", b"3".to_vec(), 50, 1000).expect("room");
    kv.put("no text", vec![0xff], 0, 0).expect("room");
    let memories = Memories::of(&admission.core.current.load(), at(1050));
    let line = serde_json::to_value(&memories).expect("plain data");
    assert_eq!(
        line,
        json!({ "kv": { "p": { "ever": "1", "soon": "2" } }, "kv_ttl_ms": { "p": { "soon": 10 } } })
    );

    kv.put("since", b"4".to_vec(), 0, 0).expect("room");
    admission.restore(&memories, at(1050));
    assert_eq!(Memories::of(&admission.core.current.load(), at(1050)), memories);
    assert_eq!(kv.get("soon", 1059).as_deref(), Some(&b"2"[..]));
    assert_eq!(kv.get("soon", 1060), None);
    admission.restore(&Memories::default(), at(1050));
    assert!(kv.all().is_empty(), "a policy that is in no record had no memory");
}

#[test]
fn a_line_without_times_is_for_ever() {
    let admission = open(None, |work| work());
    let kv = load(&admission);
    let older: Memories = serde_json::from_value(json!({ "kv": { "p": { "n": "3" } } })).expect("a line");
    admission.restore(&older, at(1000));
    assert_eq!(kv.get("n", u64::MAX - 1).as_deref(), Some(&b"3"[..]));
}

#[test]
fn what_is_written_while_a_job_is_decided_is_not_in_its_record() {
    // `aside` is no closure: what it writes to has to be found.
    static WRITTEN: OnceLock<Arc<Kv>> = OnceLock::new();
    let folder = Folder::new();
    let path = folder.path().join("log");
    let admission = open(Some(&path), |work| {
        work();
        if let Some(kv) = WRITTEN.get() {
            kv.add("calls", 1, 0, 0).expect("room");
        }
    });
    let kv = load(&admission);
    kv.put("before", b"yes".to_vec(), 0, 0).expect("room");
    WRITTEN.set(Arc::clone(&kv)).expect("once");
    for _ in 0..2 {
        admission.admit(job(json!({ "command": ["true"] })), About { id: JobId::new(), ..about() });
    }
    admission.close();
    let text = fs::read_to_string(&path).expect("written");
    let lines: Vec<Recorded> =
        text.lines().map(|line| serde_json::from_str(line).expect("one document a line")).collect();
    let seen = |line: &Recorded| line.memories.kv["p"].get("calls").cloned();
    // Once for the policy's call, and once for the decision as a whole.
    assert_eq!(lines.iter().map(seen).collect::<Vec<_>>(), [None, Some("2".to_owned())]);
    assert!(lines.iter().all(|line| line.memories.kv["p"]["before"] == "yes" && !line.decisions.is_empty()));
}
