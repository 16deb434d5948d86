use super::*;

fn chunk(offset: usize, bytes: &[u8]) -> Chunk {
    Chunk::new("run", Stream::Stdout, offset as u64, bytes.to_vec())
}

#[test]
fn pieces_are_put_together_wherever_they_were_cut() {
    let all = b"ab\xff\x00c\xc3\xa9defg\xfe";
    for first in 1..all.len() {
        for second in first..all.len() {
            let mut whole = chunk(0, &all[..first]);
            assert!(whole.append(&chunk(first, &all[first..second])));
            assert!(whole.append(&chunk(second, &all[second..])));
            assert_eq!(whole.bytes(), all, "{first}, {second}");
            assert_eq!((whole.offset, whole.length()), (0, all.len() as u64));
        }
    }
}

#[test]
fn text_stays_text() {
    let mut whole = chunk(3, b"a");
    assert!(whole.append(&chunk(4, "é".as_bytes())));
    assert_eq!(whole, chunk(3, "aé".as_bytes()));
}

#[test]
fn something_else_is_not_taken_in() {
    let first = chunk(0, b"abc");
    let other_step = Chunk { step: "other".into(), ..chunk(3, b"d") };
    let other_stream = Chunk { stream: Stream::Stderr, ..chunk(3, b"d") };
    for next in [chunk(2, b"d"), chunk(4, b"d"), other_step, other_stream] {
        let mut same = first.clone();
        assert!(!same.append(&next), "{next:?}");
        assert_eq!(same, first);
    }
}
