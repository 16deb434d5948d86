use std::sync::{Arc, Mutex};

use model::{Chunk, Decisions, Event, Happened, Job, JobId, Status, StepResult, Timing, Usage};

use super::*;
use crate::Watch;

#[derive(Default)]
struct Heard(Mutex<Vec<Happened>>);

impl Watch for Heard {
    fn happened(&self, what: Happened) {
        self.0.lock().expect("no panic holds it").push(what);
    }
}

/// The answer, and the pieces that were told.
fn told(limit: u64, chunks: &[&[u8]]) -> (Output, Vec<Chunk>) {
    let heard = Arc::new(Heard::default());
    let watch: Arc<dyn Watch> = heard.clone();
    let mut kept = Kept::new(limit).told_to(&Begun::new(&watch, "run"), Stream::Stdout);
    for chunk in chunks {
        kept.push(chunk);
    }
    let output = kept.finish();
    let mut all = std::mem::take(&mut *heard.0.lock().expect("no panic holds it")).into_iter();
    // That it has begun comes before what it printed, and once.
    let begun = all.next();
    assert!(begun.is_none_or(|first| first == Happened::StepStarted { step: "run".into() }));
    let pieces = all.map(|what| match what {
        Happened::Output(chunk) => chunk,
        other => panic!("{other:?}"),
    });
    (output, pieces.collect())
}

fn printed(limit: u64, chunks: &[&[u8]]) -> Output {
    told(limit, chunks).0
}

/// What the events alone come to.
fn folded(bytes: u64, truncated: bool, pieces: Vec<Chunk>) -> Output {
    let accepted = model::Accepted {
        id: JobId::new(),
        tenant: String::new(),
        submitter: String::new(),
        labels: std::collections::BTreeMap::new(),
        priority: 0,
        policy: Decisions::default(),
        warnings: Vec::new(),
        admit_us: 0,
        traceparent: None,
    };
    let empty = |bytes| Output { encoding: "utf-8".into(), bytes, truncated, ..Output::default() };
    let step = StepResult {
        name: "run".into(),
        status: Status::Succeeded,
        exit_code: Some(0),
        signal: None,
        cause: None,
        stdout: empty(bytes),
        stderr: empty(0),
        usage: Usage::default(),
        cases: Vec::new(),
    };
    let mut all = vec![Happened::Accepted(Box::new(accepted)), Happened::StepStarted { step: "run".into() }];
    all.extend(pieces.into_iter().map(Happened::Output));
    all.push(Happened::StepEnded { step: Box::new(step) });
    let events = (1..).zip(all).map(|(seq, what)| Event { seq, at: jiff::Timestamp::UNIX_EPOCH, what });
    let job = Job::from_events(events).expect("it was accepted");
    assert_eq!(job.timing, Timing::default());
    job.steps[0].stdout.clone()
}

#[test]
fn output_up_to_the_limit_is_kept_to_the_byte() {
    for limit in [6, 7, 100] {
        let output = printed(limit, &[b"ab", b"", b"cdef"]);
        assert_eq!((output.text.as_str(), output.bytes, output.truncated), ("abcdef", 6, false), "{limit}");
    }
}

#[test]
fn head_and_tail_remain_of_more() {
    let output = printed(4, &[b"ab", b"cdefg", b"h"]);
    assert_eq!(output.text, "ab\n[… 4 bytes dropped …]\ngh");
    assert_eq!((output.bytes, output.truncated), (8, true));
    assert_eq!(printed(0, &[b"abc"]).text, "\n[… 3 bytes dropped …]\n");
}

#[test]
fn a_stream_cut_later_is_one_that_was_held_to_less() {
    let text: Vec<u8> = (0..100).collect();
    for (first, then) in [(1000, 10), (1000, 100), (50, 10), (10, 0)] {
        let mut kept = Kept::new(first);
        kept.push(&text);
        assert_eq!(kept.cut(then).finish(), printed(then, &[&text]), "{first} {then}");
    }
}

#[test]
fn a_character_cut_by_the_limit_does_not_turn_text_into_base64() {
    let text = "äöüäöü".as_bytes();
    for limit in 1..12 {
        assert_eq!(printed(limit, &[text]).encoding, "utf-8", "{limit}");
    }
    assert_eq!(printed(10, &[&[0xff, 0xfe]]).text, "//4=");
}

/// Every limit, every way to cut the stream in two and three.
#[test]
fn what_is_told_comes_to_what_is_answered() {
    let streams: [&[u8]; 6] =
        ["aä€𝄞z".as_bytes(), b"plain", b"\xff\xc3\xa4\xc3", b"\xc3", b"", "€€€€\n€€€€".as_bytes()];
    for stream in streams {
        for limit in 0..stream.len() as u64 + 2 {
            for first in 0..=stream.len() {
                for second in first..=stream.len() {
                    let cuts = [&stream[..first], &stream[first..second], &stream[second..]];
                    let (answered, pieces) = told(limit, &cuts);
                    assert!(pieces.iter().all(|piece| !piece.text.is_empty()), "{pieces:?}");
                    let same = folded(answered.bytes, answered.truncated, pieces);
                    assert_eq!(same, answered, "{stream:?} {limit} {first} {second}");
                }
            }
        }
    }
}

#[test]
fn a_piece_never_ends_within_a_character() {
    let text = "aä€𝄞z".as_bytes();
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    let (_, pieces) = told(1000, &bytes);
    let texts: Vec<_> = pieces.iter().map(|piece| (piece.offset, piece.text.as_str())).collect();
    assert_eq!(texts, [(0, "a"), (1, "ä"), (3, "€"), (6, "𝄞"), (10, "z")]);
    // Nor across the place where head and tail meet, when nothing is missing between them.
    let (_, pieces) = told(10, &["äö€z".as_bytes()]);
    assert!(pieces.iter().all(|piece| piece.encoding == "utf-8"), "{pieces:?}");
}

#[test]
fn bytes_that_cannot_become_a_character_wait_for_nothing() {
    for (bytes, held) in
        [(&b"\xff"[..], 0), (b"\xc0", 0), (b"\x80\x80\x80\x80", 0), (b"\xe2\x82", 2), (b"\xf0\x9d\x84", 3)]
    {
        assert_eq!(begun_character(bytes), held, "{bytes:?}");
    }
}
