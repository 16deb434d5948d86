use super::{CUSTOM, EXPORT, IMPORT, sections};
use crate::testing::policy;

#[test]
fn sections_lie_end_to_end() {
    let file = policy("mutator");
    let found = sections(&file).expect("a component");
    assert_eq!(found[0].whole.start, 8);
    assert_eq!(found.last().expect("some").whole.end, file.len());
    assert!(found.windows(2).all(|pair| pair[0].whole.end == pair[1].whole.start));
    for id in [IMPORT, EXPORT, CUSTOM] {
        assert!(found.iter().any(|section| section.id == id), "{id}");
    }
    for section in found {
        assert!(section.contents.start > section.whole.start && section.contents.end == section.whole.end);
        assert_eq!(file[section.whole.start], section.id);
    }
}

#[test]
fn a_size_beyond_the_file_is_an_error() {
    assert!(sections(b"\0asm\x0d\0\x01\0").expect("only a header").is_empty());
    for damaged in [&b""[..], b"\0asm", b"\0asm\x0d\0\x01\0\x00", b"\0asm\x0d\0\x01\0\x00\x05abc"] {
        assert!(sections(damaged).is_err(), "{damaged:?}");
    }
}
